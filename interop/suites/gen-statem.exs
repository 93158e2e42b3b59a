# The BEAM's side of gen-statem.interop.ts: the same machine as its TypeScript twin, and the same things done to both.
# Defined once in each BEAM.
defmodule Machine do
  @behaviour :gen_statem

  # Does what the content of an event says: `{id, %{state => {result, actions}}}`. Its data is what it has seen, newest first.
  def start(mode), do: elem(:gen_statem.start(__MODULE__, mode, []), 1)
  def start_link(mode), do: elem(:gen_statem.start_link(__MODULE__, mode, []), 1)

  @impl true
  def init(mode) do
    Process.put(:mode, mode)
    {:ok, :a, %{seen: [], trap: nil}, [{:next_event, :internal, {:first, %{}}}]}
  end

  @impl true
  def callback_mode, do: Process.get(:mode)

  def a(type, content, data), do: handle_event(type, content, :a, data)
  def b(type, content, data), do: handle_event(type, content, :b, data)
  def c(type, content, data), do: handle_event(type, content, :c, data)

  @impl true
  def handle_event(:enter, _, :b, %{trap: :other_state} = data), do: {:next_state, :c, data}
  def handle_event(:enter, _, :b, %{trap: :raise}), do: exit(:trapped)
  def handle_event(:enter, _, :b, %{trap: action}) when action != nil, do: {:keep_state_and_data, [action]}
  def handle_event(:enter, from, state, data), do: {:keep_state, seen(data, {:enter, from, state})}
  def handle_event(type, {:raise, reason}, _, _) when type != :info, do: exit(reason)
  def handle_event(_, {:return, result}, _, _), do: result
  def handle_event(_, {:trap, trap}, _, data), do: {:next_state, :b, %{data | trap: trap}}
  def handle_event(:info, {:EXIT, _, reason}, _, _), do: {:stop, {:was_linked, reason}}
  def handle_event(_, :trap_exit, _, _), do: (Process.flag(:trap_exit, true); :keep_state_and_data)

  def handle_event(type, {id, plans}, state, data) do
    data = seen(data, {named(type), id, state})
    {result, actions} = Map.get(plans, state, {:keep, []})
    actions = answer(type, {id, state}, actions) ++ Enum.map(actions, &action/1)

    case result do
      :keep -> {:keep_state, data, actions}
      :repeat -> {:repeat_state, data, actions}
      {:stop, reason} -> {:stop_and_reply, reason, answer(type, :stopping, []), data}
      next -> {:next_state, next, data, actions}
    end
  end

  @impl true
  def terminate(reason, state, _), do: Process.whereis(:watcher) && send(:watcher, {:terminated, reason, state})

  # A call that is postponed is answered when it is handled at last.
  defp answer({:call, from}, value, actions), do: if(:postpone in actions, do: [], else: [{:reply, from, value}])
  defp answer(_, _, _), do: []

  defp action({:insert, type, content}), do: {:next_event, type, content}
  defp action({:cancel, type}), do: {type, :cancel}
  defp action({:absolute, type, ms, content}), do: {type, System.monotonic_time(:millisecond) + ms, content, [{:abs, true}]}
  defp action(other), do: other

  defp named({:call, _}), do: :call
  defp named(type), do: type

  defp seen(data, what), do: %{data | seen: [what | data.seen]}
end

defmodule Compare do
  @ids 1_000_000
  @states [:a, :b, :c]

  # Random operations on both machines: the first that was answered differently, or after which they are not alike.
  def run(machines, operations, done \\ 0)
  def run(_machines, done, done), do: nil

  def run(machines, operations, done) do
    operation = operation()
    answers = on_both(machines, &apply_to(&1, operation))
    states = on_both(machines, &settled/1)

    if same?(answers) and same?(states),
      do: run(machines, operations, done + 1),
      else: {operation, answers, states}
  end

  # How both end by what is done to them: what that gave, the exit reason, and what `terminate` was told, if it ran.
  def ending(machines, what) do
    Process.register(self(), :watcher)
    results = on_both(machines, fn pid -> ending_of(pid, what) end)
    Process.unregister(:watcher)
    results
  end

  defp ending_of(pid, what) do
    ref = Process.monitor(pid)
    answer = try do what.(pid) catch :exit, {reason, _} -> {:exit, plain(reason)} end
    down = receive do {:DOWN, ^ref, _, _, reason} -> plain(reason) after 5_000 -> :alive end
    terminated = receive do {:terminated, reason, state} -> {reason, state} after 0 -> :not_run end
    {answer, down, terminated}
  end

  # What a machine was told to log, without the tags of calls.
  def log(pid) do
    {:ok, log} = :sys.log(pid, :get)
    for event <- log, elem(event, 0) in [:in, :out, :consume, :postpone, :start_timer], do: untagged(event)
  end

  defp untagged({pid, tag}) when is_pid(pid) and not is_integer(tag), do: {pid, :tag}
  defp untagged(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> Enum.map(&untagged/1) |> List.to_tuple()
  defp untagged(other), do: other

  # How many events of each type a machine has seen.
  def counts(pid), do: :sys.get_state(pid) |> elem(1) |> Map.fetch!(:seen) |> Enum.frequencies_by(&elem(&1, 0))

  def on_both({theirs, ours}, what), do: {what.(theirs), what.(ours)}
  def same?({same, same}), do: true
  def same?(_), do: false

  defp apply_to(pid, {:call, content, timeout}) do
    :gen_statem.call(pid, content, timeout)
  catch
    :exit, {reason, _} -> {:exit, plain(reason)}
  end

  defp apply_to(pid, {:cast, content}), do: :gen_statem.cast(pid, content)
  defp apply_to(pid, {:info, content}), do: with(^content <- send(pid, content), do: :ok)

  defp operation do
    case :rand.uniform(10) do
      n when n <= 4 -> {:call, event(2), Enum.random([:infinity, 5_000, {:clean_timeout, 5_000}, {:dirty_timeout, 5_000}])}
      n when n <= 8 -> {:cast, event(2)}
      _ -> {:info, event(2)}
    end
    |> answered()
  end

  # A call must not wait for ever: one that may be postponed is a cast.
  defp answered({:call, {_, plans} = content, _} = call) do
    if Enum.any?(plans, fn {_, {_, actions}} -> :postpone in actions end), do: {:cast, content}, else: call
  end

  defp answered(other), do: other

  # What events lead to ends after `depth` levels. Only what is not inserted and not a timeout is postponed, and never on the way to
  # another state, so that nothing goes on for ever.
  defp event(depth, postpone \\ [:postpone, {:postpone, false}]) do
    {:rand.uniform(@ids), Map.new(@states, &{&1, plan(&1, depth, postpone)})}
  end

  defp plan(state, depth, postpone) do
    result = Enum.random([:keep, :keep, :repeat | @states])
    stays = result in [:keep, :repeat, state]
    count = if depth == 0, do: 0, else: :rand.uniform(4) - 1
    actions = for _ <- 1..count//1, do: action(depth - 1)
    postponed = if stays and :rand.uniform(4) == 1, do: Enum.take_random(postpone, 1), else: []
    # One postponed event must not make others for ever.
    if :postpone in postponed, do: {:keep, postponed}, else: {result, actions ++ postponed ++ hibernate()}
  end

  defp hibernate, do: Enum.random([[], [], [:hibernate], [{:hibernate, false}]])

  defp action(depth) do
    type = Enum.random([:timeout, :state_timeout, {:timeout, :x}, {:timeout, "y"}])

    case :rand.uniform(8) do
      1 -> {:insert, Enum.random([:internal, :cast, :info, :timeout, {:timeout, :z}]), event(depth, [])}
      2 -> {:insert, :internal, event(depth, [])}
      3 -> {:cancel, type}
      4 -> {type, :update, event(depth, [])}
      # Times that are no race: what is due soon is waited for, and nothing else is due before the end.
      5 -> {type, Enum.random([:infinity, 3_600_000]), event(depth, [])}
      6 -> {:absolute, {:timeout, :late}, 3_600_000, event(depth, [])}
      7 -> {{:timeout, :soon}, 40, event(0, [])}
      8 -> {zero(type), 0, event(depth, [])}
    end
  end

  # A timeout of 0 that is replaced by a later one before it came does not come in OTP 25, and comes as an info in 27: so those of 0
  # have names of their own.
  defp zero({:timeout, name}), do: {:timeout, {:zero, name}}
  defp zero(_), do: {:timeout, :zero}

  # State and data once nothing is due soon, with what is postponed and which timeouts are to come.
  defp settled(pid) do
    {:status, ^pid, {:module, :gen_statem}, [_, :running, _, [], misc]} = :sys.get_status(pid)
    [header: _, data: first, data: [{~c"State", state}]] = misc
    state = if state == :sys.get_state(pid), do: state, else: {:state_in_status, state, :sys.get_state(pid)}
    {~c"Time-outs", {count, timeouts}} = List.keyfind(first, ~c"Time-outs", 0)
    {~c"Postponed", postponed} = List.keyfind(first, ~c"Postponed", 0)

    if Enum.any?(timeouts, &match?({{:timeout, :soon}, _}, &1)) do
      Process.sleep(5)
      settled(pid)
    else
      {state, count, Enum.sort(timeouts), postponed}
    end
  end

  # Without the stack, which can only differ.
  def plain({reason, stack}) when is_list(stack), do: {:error, plain_term(reason, stack)}
  def plain(reason), do: reason

  defp plain_term(:undef, [{_, name, args, _} | _]), do: {:undef, name, if(is_list(args), do: length(args), else: args)}
  defp plain_term(reason, _), do: reason
end

nil
