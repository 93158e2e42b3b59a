# What `interop/support/exunit-node.ts` and `exunit-behaviours.ts` are, in Elixir. A BEAM that has loaded it takes the place of
# the node of ours, and the scripts hold for it as well: so what they ask of ours is what OTP and Elixir do.
defmodule Twin.Clerk do
  use GenServer

  @impl true
  def init(_), do: {:ok, nil}

  @impl true
  def handle_info({from, value}, state), do: noreply(GenServer.reply(from, value), state)

  defp noreply(_, state), do: {:noreply, state}
end

defmodule Twin.Answers do
  use GenServer

  @impl true
  def init({reporter, traps}) do
    Process.flag(:trap_exit, traps)
    {:ok, clerk} = GenServer.start(Twin.Clerk, nil)
    {:ok, %{reporter: reporter, clerk: clerk, trail: [], waiting: nil, on_silence: nil}}
  end

  @impl true
  def handle_call({:echo, value}, _, state), do: {:reply, value, state}
  def handle_call(:trail, _, state), do: {:reply, state.trail, state}
  def handle_call({:later, ms, value}, from, state), do: noreply(spawn(fn -> later(from, ms, value) end), state)
  def handle_call({:by_clerk, value}, from, state), do: noreply(send(state.clerk, {from, value}), state)
  def handle_call({:pass_on, pid}, from, state), do: noreply(send(pid, {:from, from}), state)
  def handle_call({:go_on, value}, _, state), do: {:reply, value, state, {:continue, value}}
  def handle_call({:when_silent, ms, value}, from, s), do: {:noreply, note(%{s | waiting: from, on_silence: value}, :waiting), ms}
  def handle_call({:answer, value}, from, state), do: {:reply, value, %{state | waiting: from}}
  def handle_call({:busy, ms}, _, state), do: Process.sleep(ms) && {:reply, :done, state}
  def handle_call(:silent, _, state), do: {:noreply, state}
  def handle_call({:stop, reason}, _, state), do: {:stop, reason, state}
  def handle_call({:stop_with, reason, value}, _, state), do: {:stop, reason, value, state}
  def handle_call({:exit, reason}, _, _), do: exit(reason)
  def handle_call({:raise, text}, _, _), do: raise("TypeError: " <> text)
  def handle_call(:bad_return, _, _), do: :nothing_sensible
  def handle_call({:link, pid}, _, state), do: Process.link(pid) && {:reply, :ok, state}
  def handle_call(other, _, _), do: raise("attempted to call GenServer with #{inspect(other)}")

  @impl true
  def handle_cast({:note, value}, state), do: {:noreply, note(state, value)}
  def handle_cast({:busy, ms}, state), do: noreply(Process.sleep(ms), state)
  def handle_cast({:exit, reason}, _), do: exit(reason)
  def handle_cast(_, state), do: noreply(GenServer.reply(state.waiting, :answered), state)

  @impl true
  def handle_continue(value, state), do: {:noreply, note(state, value)}

  @impl true
  def handle_info(:timeout, state), do: noreply(GenServer.reply(state.waiting, state.on_silence), state)
  def handle_info({:note, value}, state), do: {:noreply, note(state, value)}
  def handle_info(message, state), do: noreply(tell(state, {:info, message}), state)

  @impl true
  def terminate(reason, state), do: tell(state, {:terminated, reason})

  defp later(from, ms, value), do: Process.sleep(ms) && GenServer.reply(from, value)
  defp note(state, value), do: %{state | trail: state.trail ++ [value]}
  defp tell(state, message), do: state.reporter && send(state.reporter, message)
  defp noreply(_, state), do: {:noreply, state}
end

defmodule Twin.Trapping do
  use GenServer

  @impl true
  def init(reporter_and_id) do
    Process.flag(:trap_exit, true)
    {:ok, reporter_and_id}
  end

  @impl true
  def terminate(reason, {reporter, id}), do: send(reporter, List.to_tuple([:terminated | id] ++ [reason]))
end

defmodule Twin.Deaf do
  use GenServer

  @impl true
  def init(_) do
    Process.flag(:trap_exit, true)
    {:ok, nil}
  end

  @impl true
  def terminate(_, _), do: Process.sleep(:infinity)
end

defmodule Twin.OldServer do
  use GenServer

  @impl true
  def init(name), do: {:ok, name}

  @impl true
  def handle_info({pid, {:double, n}}, name) do
    send(pid, {name, node(), n * 2})
    {:noreply, name}
  end
end

defmodule Twin.Unstartable do
  use GenServer

  @impl true
  def init(:ignore), do: :ignore
  def init({:raise, text}), do: raise("RangeError: " <> text)
  def init({:stop, reason}), do: {:stop, reason}
end

for name <- [:recorder, :other] do
  defmodule name do
    @behaviour :gen_event

    @impl true
    def init({:refuse, why}), do: why
    def init(swap) when is_tuple(swap), do: {:ok, [swap]}
    def init(_), do: {:ok, []}

    @impl true
    def handle_event(:remove, _), do: :remove_handler
    def handle_event(:raise, _), do: raise("RangeError: no")
    def handle_event({:swap, next, argument}, events), do: {:swap_handler, :swapped, events, next, argument}
    def handle_event(event, events), do: {:ok, events ++ [event]}

    @impl true
    def handle_call(:remove, _), do: {:remove_handler, :bye}
    def handle_call(:raise, _), do: raise("RangeError: no")
    def handle_call(_, events), do: {:ok, events, events}

    @impl true
    def handle_info(message, events), do: {:ok, events ++ [{:info, message}]}

    @impl true
    def terminate(reason, events), do: {:ended, reason, length(events)}
  end
end

defmodule Twin.Door do
  @behaviour :gen_statem

  @impl true
  def callback_mode, do: [:state_functions, :state_enter]

  @impl true
  def init(reporter), do: {:ok, :locked, {reporter, []}}

  def locked(:enter, _, {reporter, entered}), do: {:keep_state, {reporter, entered ++ [:locked]}}
  def locked({:call, _}, :walk_through, _), do: {:keep_state_and_data, :postpone}
  def locked(type, {:code, 1234, ms}, data), do: {:next_state, :open, data, answer(type, :ok) ++ [{:state_timeout, ms, :close}]}
  def locked(type, content, data), do: any(type, content, :locked, data)

  def open(:enter, _, {reporter, entered}), do: {:keep_state, {reporter, entered ++ [:open]}}
  def open(:state_timeout, _, data), do: {:next_state, :locked, data}
  def open(type, :walk_through, _), do: {:keep_state_and_data, answer(type, :through)}
  def open(type, :close, data), do: {:next_state, :locked, data, answer(type, :ok)}
  def open(type, content, data), do: any(type, content, :open, data)

  @impl true
  def terminate(reason, state, {reporter, _}), do: reporter && send(reporter, {:terminated, reason, state})

  defp any(type, :state, state, _), do: {:keep_state_and_data, answer(type, state)}
  defp any(type, :entered, _, {_, entered}), do: {:keep_state_and_data, answer(type, entered)}
  defp any(_, :raise, _, _), do: raise("TypeError: no such thing")
  defp any({:call, from}, {:stop_with, reason, value}, _, data), do: {:stop_and_reply, reason, [{:reply, from, value}], data}
  defp any(_, {:exit, reason}, _, _), do: exit(reason)
  defp any(type, content, _, _), do: {:keep_state_and_data, answer(type, {:unknown, content})}

  defp answer({:call, from}, value), do: [{:reply, from, value}]
  defp answer(_, _), do: []
end

defmodule Twin.Turnstile do
  @behaviour :gen_statem

  @impl true
  def callback_mode, do: :handle_event_function

  @impl true
  def init(_), do: {:ok, {:on, 0}, []}

  @impl true
  def handle_event({:call, from}, :passes, {:on, n}, _), do: {:keep_state_and_data, {:reply, from, n}}
  def handle_event({:call, from}, :log, _, log), do: {:keep_state_and_data, {:reply, from, log}}
  def handle_event({:call, from}, {:after, name, ms}, _, _), do: ok(from, {{:timeout, name}, ms, :late})
  def handle_event({:call, from}, {:cancel, name}, _, _), do: ok(from, {{:timeout, name}, :cancel})
  def handle_event({:call, from}, {:silence, ms}, _, _), do: ok(from, {:timeout, ms, :silence})
  def handle_event({:call, _}, other, _, _), do: {:stop, {:unknown, other}}
  def handle_event(:cast, event, {:on, n}, log), do: {:next_state, {:on, n + 1}, log, {:next_event, :internal, event}}
  def handle_event({:timeout, name}, content, _, log), do: {:keep_state, log ++ [{:timeout, name, content}]}
  def handle_event(type, content, _, log), do: {:keep_state, log ++ [{type, content}]}

  defp ok(from, action), do: {:keep_state_and_data, [{:reply, from, :ok}, action]}
end

# Named as what the node of ours exposes.
defmodule Ours do
  def start(kind), do: run(kind, [], nil)
  def start(kind, argument), do: run(kind, [argument], nil)
  def start(kind, first, second), do: run(kind, [first, second], nil)

  def start_named(kind, name) do
    pid = run(kind, [], name)
    Process.register(pid, name)
    pid
  end

  defp run(:server, args, _), do: unlinked(GenServer.start(Twin.Answers, {Enum.at(args, 0), Enum.at(args, 1, false)}))
  defp run(:old_server, _, name), do: unlinked(GenServer.start(Twin.OldServer, name))
  defp run(:supervisor, args, _), do: supervisor(Supervisor, strategy: Enum.at(args, 0, :one_for_one), max_restarts: Enum.at(args, 1, 3))
  defp run(:dynamic, args, _), do: supervisor(DynamicSupervisor, strategy: :one_for_one, max_children: Enum.at(args, 0, 1_000))
  defp run(:tasks, _, _), do: supervisor(Task.Supervisor, [])
  defp run(:manager, _, _), do: unlinked(:gen_event.start())
  defp run(:door, args, _), do: unlinked(:gen_statem.start(Twin.Door, Enum.at(args, 0), []))
  defp run(:turnstile, _, _), do: unlinked(:gen_statem.start(Twin.Turnstile, nil, []))

  defp unlinked({:ok, pid}), do: pid

  # A supervisor can only be started with a link: to a process that lives as long as it.
  defp supervisor(module, options) do
    caller = self()

    spawn(fn ->
      Process.flag(:trap_exit, true)
      args = if module == Supervisor, do: [[], options], else: [options]
      {:ok, pid} = apply(module, :start_link, args)
      send(caller, {:started, pid})
      receive do {:EXIT, ^pid, _} -> :ok end
    end)

    receive do {:started, pid} -> pid end
  end

  def try_start(how), do: GenServer.start(Twin.Unstartable, how)
  def start_worker, do: GenServer.start_link(Twin.Answers, {nil, false})
  def start_worker_with(more), do: Tuple.append(start_worker(), more)
  def start_server(reporter, traps), do: GenServer.start_link(Twin.Answers, {reporter, traps})
  def start_trapping(reporter), do: GenServer.start_link(Twin.Trapping, {reporter, []})
  def start_trapping(reporter, id), do: GenServer.start_link(Twin.Trapping, {reporter, [id]})
  def start_deaf, do: GenServer.start_link(Twin.Deaf, nil)
  def fail_to_start(reason), do: {:error, reason}
  def ignore_start, do: :ignore

  def sum(a, b), do: a + b
  def one(value), do: value
  def later(ms, value), do: Process.sleep(ms) && value
  def never, do: Process.sleep(:infinity)
  def throws(value), do: throw(value)
  def exits(reason), do: exit(reason)
  def raises(text), do: raise("RangeError: " <> text)
  def says(text), do: IO.puts(text)
  def note(name, value), do: GenServer.cast(name, {:note, value})
  def note_slowly(name, value), do: for(what <- [:began, :ended], do: note(name, {what, value}) && Process.sleep(20))
  def note_and_exit(name, value, reason), do: note(name, value) && exit(reason)
  def links(pid), do: elem(Process.info(pid, :links), 1)
end
