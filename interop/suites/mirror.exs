# The BEAM's side of mirror.interop.ts: a process of each kind that OTP and Elixir have, for a node of ours to use. Defined
# once in each BEAM.
defmodule Mirror.Server do
  use GenServer

  @impl true
  def init({traps, reporter}) do
    Process.flag(:trap_exit, traps)
    {:ok, %{trail: [], waiting: nil, reporter: reporter}}
  end

  @impl true
  def handle_call({:echo, value}, _from, state), do: {:reply, value, state}
  def handle_call(:trail, _from, state), do: {:reply, Enum.reverse(state.trail), state}
  def handle_call({:go_on, value}, _from, state), do: {:reply, value, state, {:continue, value}}
  def handle_call({:when_silent, ms, value}, from, state), do: {:noreply, %{state | waiting: {from, value}}, ms}
  def handle_call({:pass_on, pid}, from, state), do: {send(pid, {:from, from}) && :noreply, state}
  def handle_call({:call, to, request}, _from, state), do: {:reply, GenServer.call(to, request), state}
  def handle_call({:link, pid}, _from, state), do: {:reply, Process.link(pid), state}

  @impl true
  def handle_cast({:note, value}, state), do: {:noreply, note(state, value)}
  def handle_cast({:exit, reason}, _state), do: exit(reason)

  @impl true
  def handle_continue(value, state), do: {:noreply, note(state, {:continued, value})}

  @impl true
  def handle_info(:timeout, %{waiting: {from, value}} = state), do: {GenServer.reply(from, value) && :noreply, state}
  def handle_info({:EXIT, _pid, reason}, state), do: {:noreply, note(state, {:exit, reason})}
  def handle_info(message, state), do: {:noreply, note(state, message)}

  @impl true
  def terminate(reason, state), do: state.reporter && send(state.reporter, {:terminated, reason})

  defp note(state, value), do: %{state | trail: [value | state.trail]}
end

defmodule Mirror.Switch do
  @behaviour :gen_statem

  @impl true
  def callback_mode, do: [:state_functions, :state_enter]

  @impl true
  def init(_), do: {:ok, :off, []}

  def off(:enter, old, data), do: {:keep_state, [{:entered, :off, old} | data]}
  def off({:call, _}, :wait, _), do: {:keep_state_and_data, [:postpone]}
  def off(event, :flip, data), do: {:next_state, :on, data, answer(event, :on)}
  def off(event, other, data), do: any(event, other, :off, data)

  def on(:enter, old, data), do: {:keep_state, [{:entered, :on, old} | data]}
  def on({:call, from}, {:for, ms}, _), do: {:keep_state_and_data, [{:reply, from, :ok}, {:state_timeout, ms, :over}]}
  def on({:call, from}, :wait, _), do: {:keep_state_and_data, [{:reply, from, :on_at_last}]}
  def on(:state_timeout, :over, data), do: {:next_state, :off, data}
  def on(event, :flip, data), do: {:next_state, :off, data, answer(event, :off)}
  def on(event, other, data), do: any(event, other, :on, data)

  defp any(event, :state, state, _), do: {:keep_state_and_data, answer(event, state)}
  defp any({:call, from}, {:stop_with, reason, value}, _, data), do: {:stop_and_reply, reason, [{:reply, from, value}], data}
  defp any(_, {:raise, text}, _, _), do: raise(text)

  defp answer({:call, from}, value), do: [{:reply, from, value}]
  defp answer(_, _), do: []
end

defmodule Mirror.Recorder do
  @behaviour :gen_event

  @impl true
  def init({:refuse, why}), do: why
  def init(argument), do: {:ok, [argument]}

  @impl true
  def handle_event(:remove, _), do: :remove_handler
  def handle_event(event, events), do: {:ok, [event | events]}

  @impl true
  def handle_call(_request, events), do: {:ok, Enum.reverse(events), events}

  @impl true
  def terminate(reason, events), do: {:ended, reason, length(events)}
end

defmodule Mirror do
  # Processes that are linked to nobody.
  def start(:server, args), do: unlinked(GenServer.start(Mirror.Server, args))
  def start(:supervisor, [strategy, max]), do: supervisor(fn -> Supervisor.start_link([], strategy: strategy, max_restarts: max) end)
  def start(:dynamic, _), do: supervisor(fn -> DynamicSupervisor.start_link(strategy: :one_for_one) end)
  def start(:tasks, _), do: supervisor(fn -> Task.Supervisor.start_link() end)
  def start(:agent, first), do: unlinked(Agent.start(fn -> first end))
  def start(:manager, _), do: unlinked(:gen_event.start())
  def start(:machine, _), do: unlinked(:gen_statem.start(Mirror.Switch, nil, []))
  def start(:plain, traps), do: Fixtures.Probe.start(trap_exit: traps)

  def start(kind, args, name) do
    pid = start(kind, args)
    Process.register(pid, name)
    pid
  end

  # Of children: what a supervisor starts.
  def worker, do: GenServer.start_link(Mirror.Server, {false, nil})
  def trapping(reporter), do: GenServer.start_link(Mirror.Server, {true, reporter})
  def broken(reason), do: {:error, reason}

  # Functions that end in every way.
  def throws(value), do: throw(value)
  def exits(reason), do: exit(reason)
  def raises(text), do: raise(ArgumentError, text)
  def dies, do: Process.exit(self(), :kill)
  def later(ms, value), do: Process.sleep(ms) && value
  def told(name, value), do: GenServer.cast(name, {:note, value})

  # For `sys`.
  def cleared(%{trail: _} = state), do: %{state | trail: [:cleared]}
  def fails(_state), do: raise("no")
  def keeps(to, event, _name), do: send(to, {:event, elem(event, 0)}) && to

  # What `Process.exit` does to a process of the BEAM that is told by another of the BEAM.
  def exit_here(reason, traps) do
    pid = start(:plain, traps)
    ref = Process.monitor(pid)
    Process.exit(pid, reason)
    seen(pid, ref)
  end

  # The same, when somebody else has sent the signal.
  def seen(pid, ref \\ nil) do
    ref = ref || Process.monitor(pid)

    receive do
      {:DOWN, ^ref, :process, ^pid, reason} -> {:down, reason}
    after
      250 ->
        Process.demonitor(ref, [:flush])
        messages = for {:EXIT, _from, reason} <- Fixtures.Probe.mailbox(pid), do: reason
        Fixtures.Probe.stop(pid)
        {:alive, messages}
    end
  end

  defp unlinked({:ok, pid}), do: pid

  # A supervisor can only be started with a link: to a process that lives as long as it.
  defp supervisor(start) do
    caller = self()

    spawn(fn ->
      Process.flag(:trap_exit, true)
      {:ok, pid} = start.()
      send(caller, {:started, pid})
      receive do {:EXIT, ^pid, _} -> :ok end
    end)

    receive do {:started, pid} -> pid end
  end
end

nil
