# The BEAM's side of sys.interop.ts: processes of OTP's behaviours, and what sys tells of a process, without what can only
# differ. Defined once in each BEAM.
defmodule Target do
  use GenServer
  def init(state), do: {:ok, state}
  def handle_call(:count, _, n) when is_integer(n), do: {:reply, n + 1, n + 1}
  def handle_call(:count, _, state), do: {:reply, 1, state}
  def handle_call(:later, from, state), do: (GenServer.reply(from, :late); {:noreply, state})
  def handle_cast(_, state), do: {:noreply, state}
  def handle_info(_, state), do: {:noreply, state}
  def hundred(_), do: 100
  def ok(_), do: {:ok, 7}

  # The state is a list: OTP takes a pair for an installed function with an id.
  def watch([pid, 1], event, _name), do: (send(pid, {:event, elem(event, 0)}); :done)
  def watch([pid, left], event, _name), do: (send(pid, {:event, elem(event, 0)}); [pid, left - 1])
end

defmodule Machine do
  @behaviour :gen_statem
  def init(_), do: {:ok, :off, 1}
  def callback_mode, do: :handle_event_function
  def handle_event(_, _, _, _), do: :keep_state_and_data
  def code_change(_, state, data, _), do: {:ok, state, data}
end

defmodule Handler do
  @behaviour :gen_event
  def init(state), do: {:ok, state}
  def handle_event(_, state), do: {:ok, state}
  def handle_call(_, state), do: {:ok, state, state}
end

defmodule Tour do
  def start("server"), do: GenServer.start(Target, 1)
  def start("statem"), do: :gen_statem.start(Machine, 1, [])
  def start("supervisor"), do: Supervisor.start_link([], strategy: :one_for_one)
  def start("dynamic"), do: DynamicSupervisor.start_link(strategy: :one_for_one)

  def start("tasks"), do: Task.Supervisor.start_link()

  def start("manager") do
    {:ok, pid} = :gen_event.start()
    :ok = :gen_event.add_handler(pid, :handler, 1)
    {:ok, pid}
  end

  # Everything that sys can do to a process, in one go.
  def of(pid) do
    [
      status: status(pid),
      suspend: {:sys.suspend(pid), :sys.suspend(pid)},
      suspended: status(pid),
      resume: {:sys.resume(pid), :sys.resume(pid)},
      unknown: ask(pid, :nonsense),
      change: :sys.change_code(pid, Nobody, 1, []),
      off: :sys.statistics(pid, :get),
      on: {:sys.statistics(pid, true), :sys.log(pid, {true, 3}), :sys.trace(pid, true)},
      sent: send(pid, :any_message),
      figures: figures(:sys.statistics(pid, :get)),
      log: events(:sys.log(pid, :get)),
      debug: status(pid),
      untraced: {:sys.trace(pid, false), :sys.log(pid, false), :sys.log(pid, :get), :sys.no_debug(pid)},
      debugless: status(pid),
      code: {:sys.suspend(pid), :sys.change_code(pid, :handlers_of_nobody, 1, []), :sys.resume(pid)},
      odd: {ask(pid, {:debug, :nonsense}), ask(pid, {:debug, {:trace, 1}}), ask(pid, {:debug, {:log, {true, 0}}})},
      removed: :sys.remove(pid, :nothing),
      file: :sys.log_to_file(pid, "/nowhere/at/all"),
      stop: stopped(pid)
    ]
  end

  def ask(pid, request) do
    ref = make_ref()
    send(pid, {:system, {self(), ref}, request})
    receive do {^ref, answer} -> answer after 2000 -> :silence end
  end

  defp stopped(pid) do
    ref = Process.monitor(pid)
    answer = :sys.terminate(pid, :shutdown)
    receive do {:DOWN, ^ref, _, _, reason} -> {answer, reason} end
  end

  defp figures({:ok, figures}), do: {Keyword.keys(figures), figures[:messages_in], figures[:messages_out]}
  defp events({:ok, events}), do: Enum.map(events, &elem(&1, 0))

  def status(pid) do
    {:status, ^pid, {:module, module}, [dictionary, state, parent, debug, misc]} = :sys.get_status(pid)
    # Of a supervisor this names the callback module, and so does the last part in some releases.
    started = with {:supervisor, _, 1} <- dictionary[:"$initial_call"], do: :supervisor
    started = if is_tuple(started), do: Tuple.delete_at(started, 0), else: started
    [{:header, header} | rest] = misc
    {header, _name} = header |> to_string() |> String.split(" ") |> Enum.split(-1)
    ancestors = is_list(dictionary[:"$ancestors"])
    parts = for part <- rest, elem(part, 0) != :supervisor, do: names(part)
    {module, started, ancestors, state, is_pid(parent), debug(debug), header, parts}
  end

  # trace, log and statistics, in the order of their names: OTP has the last one switched on first.
  defp debug(options), do: options |> Enum.map(&option/1) |> Enum.sort()
  defp option({:statistics, {time, {:reductions, n}, i, o}}) when is_integer(n), do: {:statistics, tuple_size(time), i, o}
  defp option({name, _}), do: name

  # OTP 23 tells of a gen_event no logged events.
  defp names({:data, pairs}), do: {:data, for({name, _} <- pairs, name != ~c"Logged Events", do: to_string(name))}
  defp names({:items, {name, _}}), do: {:items, to_string(name)}
end

defmodule :handler do
  defdelegate init(state), to: Handler
  defdelegate handle_event(event, state), to: Handler
  defdelegate handle_call(request, state), to: Handler
  def handle_info(_, state), do: {:ok, state}
end

nil
