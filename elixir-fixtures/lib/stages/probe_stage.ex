defmodule Fixtures.ProbeStage do
  @moduledoc """
  A GenStage of any type that tells a recorder (a pid) of each of its callbacks, and otherwise does what it is told.

  Options, a map:

    * `:type`: `:producer`, `:producer_consumer`, `:consumer` or `:supervisor` (see `Fixtures.ProbeSupervisor`)
    * `:name`
    * `:count` (0): a producer answers demand with the integers from 0 on, this many in all; `:forever` for no end
    * `:at_end` (`:stay`): what it does after the last of them; `:stop` ends it with `normal`
    * `:dispatcher`: `:demand`, `{:demand, max}`, `:broadcast`, `{:partition, names}`, or `{:partition, names, :parity}`,
      where the hash drops multiples of ten and puts the others into `:even` or `:odd`
    * `:demand`, `:buffer_size`, `:buffer_keep`, `:subscribe_to` as in GenStage
    * `:becomes` (`:same`): what a producer_consumer makes of an event: `:same`, `:doubled`, `:twice`, `:nothing`
    * `:answer` (`:automatic`): what `handle_subscribe` returns for the side `:answers` (any)
    * `:on_events`: `{:stop, reason}` after each batch, `:returns_events`
    * `:slow` (0): milliseconds that each batch takes; its end is told as `{:handled, count}`
    * `:ignored` (false): its `init` says `:ignore`

  Requests, by call: `{:emit, events}`, `{:emit_late, events}` (replies first), `{:ask, n}`, `{:cancel, reason}` (of the latest
  subscription to a producer), `{:stop, reason}`, `{:info, message}` (async_info to itself). `{:emit, events}` works by cast and
  as a message, too. `{:relay, pids, message}` goes on to the first of the pids.
  """
  use GenStage

  def start(recorder, role, %{type: :supervisor} = opts),
    do: Fixtures.ProbeSupervisor.start(recorder, role, opts)

  def start(recorder, role, opts) do
    GenStage.start(__MODULE__, {recorder, role, opts}, for({:name, name} <- opts, do: {:name, name}))
  end

  @doc "The hash of the option `{:partition, names, :parity}`."
  def parity(event) when rem(event, 10) == 0, do: :none
  def parity(event), do: {event, if(rem(event, 2) == 0, do: :even, else: :odd)}

  @doc "A selector."
  def even?(event), do: rem(event, 2) == 0

  @impl true
  def init({_recorder, _role, %{ignored: true}}), do: :ignore

  def init({recorder, role, opts}) do
    # What a stage gets is looked at only where nothing can be wrong with its runtime.
    if node(recorder) == node(), do: :erlang.trace(self(), true, [:receive, {:tracer, recorder}])
    state = %{role: role, recorder: recorder, opts: opts, next: 0, producers: []}
    given = opts |> Map.take([:demand, :buffer_size, :buffer_keep, :subscribe_to]) |> Map.to_list()
    {opts.type, state, dispatcher(opts) ++ given}
  end

  defp dispatcher(%{dispatcher: :demand}), do: [dispatcher: GenStage.DemandDispatcher]

  defp dispatcher(%{dispatcher: {:demand, max}}),
    do: [dispatcher: {GenStage.DemandDispatcher, max_demand: max}]

  defp dispatcher(%{dispatcher: :broadcast}), do: [dispatcher: GenStage.BroadcastDispatcher]

  defp dispatcher(%{dispatcher: {:partition, names}}),
    do: [dispatcher: {GenStage.PartitionDispatcher, partitions: names}]

  defp dispatcher(%{dispatcher: {:partition, names, :parity}}),
    do: [dispatcher: {GenStage.PartitionDispatcher, partitions: names, hash: &__MODULE__.parity/1}]

  defp dispatcher(_opts), do: []

  @impl true
  def handle_demand(demand, %{next: next} = state) do
    record(state, {:handle_demand, demand})
    count = Map.get(state.opts, :count, 0)
    upto = if count == :forever, do: next + demand, else: min(next + demand, count)
    if upto == count and Map.get(state.opts, :at_end) == :stop, do: GenStage.async_info(self(), :finished)
    {:noreply, Enum.slice(next..upto, 0, upto - next), %{state | next: upto}}
  end

  @impl true
  def handle_subscribe(side, opts, from, state) do
    record(state, {:handle_subscribe, side, opts, from})
    state = if side == :producer, do: %{state | producers: [from | state.producers]}, else: state

    case Map.get(state.opts, :answers, side) == side and Map.get(state.opts, :answer) do
      none when none in [nil, false] -> {:automatic, state}
      {:stop, reason} -> {:stop, reason, state}
      answer -> {answer, state}
    end
  end

  @impl true
  def handle_cancel(reason, from, state) do
    record(state, {:handle_cancel, reason, from})
    {:noreply, [], state}
  end

  @impl true
  def handle_events(events, from, state) do
    record(state, {:handle_events, events, from})

    with %{slow: milliseconds} <- state.opts do
      Process.sleep(milliseconds)
      record(state, {:handled, length(events)})
    end

    case state.opts do
      %{on_events: {:stop, reason}} -> {:stop, reason, state}
      %{on_events: :returns_events} -> {:noreply, events, state}
      %{type: :consumer} -> {:noreply, [], state}
      opts -> {:noreply, Enum.flat_map(events, &becomes(Map.get(opts, :becomes, :same), &1)), state}
    end
  end

  defp becomes(:same, event), do: [event]
  defp becomes(:doubled, event), do: [event * 2]
  defp becomes(:twice, event), do: [event, event]
  defp becomes(:nothing, _event), do: []

  @impl true
  def handle_call({:emit, events}, _from, state), do: {:reply, :ok, events, state}

  def handle_call({:emit_late, events}, from, state) do
    GenStage.reply(from, :ok)
    {:noreply, events, state}
  end

  def handle_call({:ask, count}, _from, state),
    do: {:reply, GenStage.ask(hd(state.producers), count), [], state}

  def handle_call({:cancel, reason}, _from, state),
    do: {:reply, GenStage.cancel(hd(state.producers), reason), [], state}

  def handle_call({:info, message}, _from, state),
    do: {:reply, GenStage.async_info(self(), message), [], state}

  def handle_call({:stop, reason}, _from, state), do: {:stop, reason, :ok, state}

  @impl true
  def handle_cast({:emit, events}, state), do: {:noreply, events, state}

  @impl true
  def handle_info({:emit, events}, state), do: {:noreply, events, state}

  def handle_info({:relay, [next | rest], message}, state) do
    send(next, if(rest == [], do: message, else: {:relay, rest, message}))
    {:noreply, [], state}
  end

  def handle_info(:finished, state), do: {:stop, :normal, state}

  def handle_info(message, state) do
    record(state, {:handle_info, message})
    {:noreply, [], state}
  end

  @impl true
  def terminate(reason, state), do: record(state, {:terminate, reason})

  defp record(state, entry), do: send(state.recorder, {:entry, state.role, entry})
end

defmodule Fixtures.ProbeSupervisor do
  @moduledoc """
  A ConsumerSupervisor for `Fixtures.ProbeStage.start/3`: options `:subscribe_to`, `:restart` (`:temporary`), `:max_restarts`,
  `:name`. Its children tell the recorder `{:child, event, pid}`, trap exits, and end when they are sent `{:end, reason}`; the
  events `:ignore`, `{:fail, _}`, `:raise`, `:throw`, `:exit` and `:garbage` have a start that goes that way.
  """
  use ConsumerSupervisor

  def start(recorder, role, opts) do
    # There is only a start with a link.
    starter = self()

    spawn(fn ->
      Process.flag(:trap_exit, true)

      started =
        ConsumerSupervisor.start_link(
          __MODULE__,
          {recorder, role, opts},
          Enum.to_list(Map.take(opts, [:name]))
        )

      send(starter, {__MODULE__, started})

      case started do
        {:ok, pid} -> receive(do: ({:EXIT, ^pid, _reason} -> :ok))
        _error -> :ok
      end
    end)

    receive(do: ({__MODULE__, started} -> started))
  end

  @impl true
  def init({recorder, role, opts}) do
    if node(recorder) == node(), do: :erlang.trace(self(), true, [:receive, {:tracer, recorder}])

    child = %{
      id: :child,
      start: {__MODULE__, :start_child, [recorder, role]},
      restart: Map.get(opts, :restart, :temporary),
      shutdown: 500
    }

    given = opts |> Map.take([:subscribe_to, :max_restarts]) |> Map.to_list()
    ConsumerSupervisor.init([child], [strategy: :one_for_one] ++ given)
  end

  def start_child(_recorder, _role, :ignore), do: :ignore
  def start_child(_recorder, _role, {:fail, reason}), do: {:error, reason}
  def start_child(_recorder, _role, :raise), do: raise("no")
  def start_child(_recorder, _role, :throw), do: throw(:no)
  def start_child(_recorder, _role, :exit), do: exit(:no)
  def start_child(_recorder, _role, :garbage), do: :garbage

  def start_child(recorder, role, event) do
    supervisor = self()
    child = spawn_link(fn -> live(supervisor) end)
    send(recorder, {:entry, role, {:child, event, child}})
    {:ok, child}
  end

  defp live(supervisor) do
    Process.flag(:trap_exit, true)

    receive do
      {:end, reason} -> exit(reason)
      {:EXIT, ^supervisor, reason} -> exit(reason)
    end
  end
end
