# The BEAM's side of gen-event.interop.ts: a handler that does what it is told, the same one that the other side has, and the
# same requests made to both managers. Defined once in each BEAM.
defmodule Recorder do
  @behaviour :gen_event

  def init({:refuse, answer}), do: answer
  def init(:raise), do: raise("refused")
  def init(argument), do: {:ok, argument}

  def handle_event(:remove, _), do: :remove_handler
  def handle_event(:raise, _), do: raise("out of range")
  def handle_event(:exit, _), do: exit(:out)
  def handle_event(:odd, _), do: :odd
  def handle_event({:swap, argument, next, next_argument}, s), do: {:swap_handler, argument, s, next, next_argument}
  def handle_event(event, events), do: {:ok, [event | List.wrap(events)]}

  def handle_call(:remove, _), do: {:remove_handler, :removed}
  def handle_call(:raise, _), do: raise("out of range")
  def handle_call(:exit, _), do: exit(:out)
  def handle_call(:odd, _), do: :odd
  def handle_call({:swap, argument, next, next_argument}, s), do: {:swap_handler, :swapped, argument, s, next, next_argument}
  def handle_call(_, events), do: {:ok, events, events}

  def handle_info(message, events), do: {:ok, [{:info, message} | List.wrap(events)]}

  def terminate(:exit, _), do: exit(:failed)
  def terminate(reason, events), do: {:bye, reason, events}
end

defmodule Quiet do
  @behaviour :gen_event
  def init(argument), do: {:ok, argument}
  def handle_event(_, s), do: {:ok, s}
  def handle_call(_, s), do: {:ok, :quiet, s}
end

defmodule Managers do
  @names [Recorder, {Recorder, 1}, {Recorder, :two}, Quiet, {Quiet, 1}, NoSuch, {NoSuch, 1}]
  @arguments [1, [], :a, {:refuse, {:error, :full}}, {:refuse, :no}, :raise]
  @events [:one, {:two, 2}, :remove, :raise, :exit, :odd, {:swap, :a1, {Recorder, 1}, :a2}, {:swap, :exit, NoSuch, 1}]

  # Random requests made to both managers: how many were done, and the first after which the two differ.
  def compare(theirs, ours, count, done \\ 0)
  def compare(_theirs, _ours, 0, done), do: {done, nil}

  def compare(theirs, ours, count, done) do
    request = random()
    {a, b} = {observe(theirs, request), observe(ours, request)}
    if a == b, do: compare(theirs, ours, count - 1, done + 1), else: {done, {request, a, b}}
  end

  # What a request is answered with, what this process was told, and what is there afterwards.
  def observe(manager, request) do
    answer = run(manager, request)
    called = :gen_event.call(manager, Quiet, 1)
    plain({answer, :gen_event.which_handlers(manager), :sys.get_state(manager), called, told()})
  end

  def random do
    [name, next] = [Enum.random(@names), Enum.random(@names)]
    [argument, next_argument] = [Enum.random(@arguments), Enum.random(@arguments)]

    case :rand.uniform(12) do
      n when n <= 2 -> {:add_handler, [name, argument]}
      n when n <= 4 -> {:add_sup_handler, [name, argument]}
      5 -> {:delete_handler, [name, Enum.random([:gone, :exit])]}
      6 -> {:swap_handler, [{name, Enum.random([:gone, :exit])}, {next, next_argument}]}
      7 -> {:swap_sup_handler, [{name, :gone}, {next, next_argument}]}
      8 -> {:call, [name, Enum.random([:get | @events])]}
      9 -> {:notify, [Enum.random(@events)]}
      10 -> {:sync_notify, [Enum.random(@events)]}
      11 -> {:send, [Enum.random([:hello, {:three, :of, :them}])]}
      12 -> {:adder, [name, argument]}
    end
  end

  defp run(manager, {:send, [message]}), do: send(manager, message)

  # Another process adds it, and ends.
  defp run(manager, {:adder, [name, argument]}) do
    {pid, ref} = spawn_monitor(fn -> exit({:added, :gen_event.add_sup_handler(manager, name, argument)}) end)
    receive do {:DOWN, ^ref, _, ^pid, {:added, answer}} -> answer end
  end

  defp run(manager, {function, arguments}), do: apply(:gen_event, function, [manager | arguments])

  defp told do
    receive do
      {:gen_event_EXIT, _, _} = message -> [message | told()]
    after
      0 -> []
    end
  end

  # What can only differ, made the same: pids, the stacks of failures, the text of an error, which state is a list.
  def plain(pid) when is_pid(pid), do: :pid
  def plain({:EXIT, {:undef, [{_, :init, [_], _} = first | _]}}), do: {:EXIT, {:undef, plain(Tuple.delete_at(first, 3))}}
  def plain({:EXIT, {%{__exception__: true, __struct__: kind}, stack}}) when is_list(stack), do: {:EXIT, kind}
  def plain(%{events: events}), do: plain(events)
  def plain(list) when is_list(list), do: Enum.map(list, &plain/1)
  def plain(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> plain() |> List.to_tuple()
  def plain(other), do: other
end

nil
