# `:sys` on every behaviour of ours.
defmodule Ours.SysTest do
  use Ours.Case, async: true

  # Every kind of process, with what OTP calls it, a request, its answer, and the events that it makes for debugging.
  @kinds [
    {:server, :gen_server, &__MODULE__.ask_server/2, [], [:in, :out]},
    {:supervisor, :gen_server, &__MODULE__.ask_supervisor/2, [], [:in, :out]},
    {:dynamic, :gen_server, &__MODULE__.ask_supervisor/2, [], [:in, :out]},
    {:tasks, :gen_server, &__MODULE__.ask_supervisor/2, [], [:in, :out]},
    {:partitions, :gen_server, &__MODULE__.ask_partitions/2, 2, [:in, :out]},
    {:registry, :gen_server, &__MODULE__.ask_anything/2, {:error, {:bad_call, :anything}}, [:in, :out]},
    {:agent, :gen_server, &__MODULE__.ask_agent/2, 0, [:in, :out]},
    {:lines, :gen_server, &__MODULE__.ask_stage/2, {:error, :not_a_consumer}, [:in, :out]},
    {:manager, :gen_event, &__MODULE__.ask_manager/2, [], [:in]},
    {:door, :gen_statem, &__MODULE__.ask_door/2, :locked, [:in, :out, :consume]},
    {:turnstile, :gen_statem, &__MODULE__.ask_turnstile/2, 0, [:in, :out, :consume]}
  ]

  def ask_server(pid, timeout), do: GenServer.call(pid, :trail, timeout)
  def ask_supervisor(pid, timeout), do: GenServer.call(pid, :which_children, timeout)

  def ask_partitions(pid, timeout), do: length(GenServer.call(pid, :which_children, timeout))
  def ask_anything(pid, timeout), do: GenServer.call(pid, :anything, timeout)
  def ask_agent(pid, timeout), do: Agent.get(pid, Ours, :one, [], timeout)
  def ask_stage(pid, timeout), do: GenServer.call(pid, {:"$subscribe", nil, self(), []}, timeout)
  def ask_manager(pid, timeout), do: :gen_event.call(pid, :recorder, :all, timeout)
  def ask_door(pid, timeout), do: :gen_statem.call(pid, :state, timeout)
  def ask_turnstile(pid, timeout), do: :gen_statem.call(pid, :passes, timeout)

  # A partition supervisor and a registry need a name.
  defp start_any(kind) when kind in [:partitions, :registry] do
    {name, node} = start_named(kind)
    :erpc.call(node, Ours, :whereis, [name])
  end

  defp start_any(:manager) do
    manager = start(:manager)
    :ok = :gen_event.add_handler(manager, :recorder, [])
    manager
  end

  defp start_any(kind), do: start(kind)

  defp each(check) do
    for {kind, module, ask, answer, events} <- @kinds do
      try do
        check.(start_any(kind), %{kind: kind, module: module, ask: ask, answer: answer, events: events})
      rescue
        error in ExUnit.AssertionError -> reraise(%{error | message: "#{kind}: #{error.message}"}, __STACKTRACE__)
      end
    end
  end

  defp exposed(name, arity), do: Function.capture(Ours, name, arity)

  test "get_state gives the state of each behaviour, in the form that this release takes" do
    each(fn pid, %{kind: kind} ->
      state = :sys.get_state(pid)
      refute match?({:ok, _}, state)
      if kind == :server, do: assert(state == %{trail: []})
      if kind == :supervisor, do: assert(elem(state, 0) == :state)
    end)
  end

  test "get_status of each behaviour is in OTP's form" do
    each(fn pid, %{module: module} ->
      assert {:status, ^pid, {:module, ^module}, [dictionary, :running, parent, [], misc]} = :sys.get_status(pid)
      assert {_, _, _} = dictionary[:"$initial_call"]
      assert is_list(dictionary[:"$ancestors"])
      assert is_pid(parent)
      assert misc[:header] |> to_string() |> String.starts_with?("Status for ")
      assert misc |> Keyword.get_values(:data) |> List.flatten() |> Enum.any?(&match?({~c"Status", :running}, &1))
    end)
  end

  test "suspend lets messages wait, resume goes on with them, and both can be repeated" do
    each(fn pid, %{ask: ask, answer: answer} ->
      assert :sys.suspend(pid) == :ok
      assert :sys.suspend(pid) == :ok
      assert {:status, _, _, [_, :suspended | _]} = :sys.get_status(pid)
      assert {:exit, {:timeout, _}} = outcome(fn -> ask.(pid, 30) end)
      waiting = Task.async(fn -> ask.(pid, 5_000) end)
      assert Task.yield(waiting, 30) == nil
      assert :sys.resume(pid) == :ok
      assert :sys.resume(pid) == :ok
      assert Task.await(waiting) == answer
    end)
    assert mailbox() == []
  end

  test "statistics count messages in and out" do
    each(fn pid, %{ask: ask, events: events} ->
      assert :sys.statistics(pid, :get) == {:ok, :no_statistics}
      assert :sys.statistics(pid, true) == :ok
      for _ <- 1..3, do: ask.(pid, 500)
      {:ok, figures} = :sys.statistics(pid, :get)
      assert {{_, _, _}, {_, _, _}} = figures[:start_time]
      assert {{_, _, _}, {_, _, _}} = figures[:current_time]
      assert is_integer(figures[:reductions])
      assert {figures[:messages_in], figures[:messages_out]} == {3, 3 * Enum.count(events, &(&1 == :out))}
      assert :sys.statistics(pid, false) == :ok
      assert :sys.statistics(pid, :get) == {:ok, :no_statistics}
    end)
  end

  test "log keeps the last events, oldest first" do
    each(fn pid, %{ask: ask, events: expected} ->
      assert :sys.log(pid, true) == :ok
      ask.(pid, 500)
      {:ok, events} = :sys.log(pid, :get)
      assert Enum.map(events, &elem(&1, 0)) == expected
      assert :sys.log(pid, {true, 3}) == :ok
      for _ <- 1..3, do: ask.(pid, 500)
      {:ok, events} = :sys.log(pid, :get)
      assert length(events) == 3
      assert :sys.log(pid, :print) == :ok
      assert :sys.log(pid, false) == :ok
      assert :sys.log(pid, :get) == {:ok, []}
      assert {:status, _, _, [_, _, _, [], _]} = :sys.get_status(pid)
    end)
  end

  test "trace prints events on our side, until it is switched off" do
    traced = fn -> Enum.count(:erpc.call(ours(), Ours, :printed, []), &String.starts_with?(&1, "*DBG*")) end
    each(fn pid, %{ask: ask, events: events} ->
      before = traced.()
      assert :sys.trace(pid, true) == :ok
      ask.(pid, 500)
      assert :sys.trace(pid, false) == :ok
      ask.(pid, 500)
      assert traced.() - before == length(events)
    end)
  end

  test "replace_state takes a function that is exposed, and no closure of the BEAM" do
    each(fn pid, %{kind: kind} ->
      state = :sys.get_state(pid)
      assert {:error, {:callback_failed, _, {:error, :undef}}} = refused(fn -> :sys.replace_state(pid, fn state -> state end) end)
      # An event manager says nothing of a function that fails: it keeps the states that it has.
      if kind == :manager do
        assert :sys.replace_state(pid, exposed(:exits_state, 1)) == state
      else
        assert {:error, {:callback_failed, _, {:error, :undef}}} = refused(fn -> :sys.replace_state(pid, exposed(:not_there, 1)) end)
        assert {:error, {:callback_failed, _, {:exit, :no}}} = refused(fn -> :sys.replace_state(pid, exposed(:exits_state, 1)) end)
      end

      assert :sys.get_state(pid) == state
    end)

    pid = start(:server)
    assert :sys.replace_state(pid, exposed(:mark, 1)) == %{trail: [:replaced]}
    assert GenServer.call(pid, :trail) == [:replaced]
  end

  # `:sys` raises what a server answers with an error: `{:callback_failed, ...}` as error.
  defp refused(fun) do
    {:error, reason} = outcome(fun)
    {:error, reason}
  end

  test "install runs an exposed function on events, remove ends it, a closure is refused" do
    each(fn pid, %{ask: ask, events: events} ->
      {name, _} = keeper = start_named(:server)
      assert :sys.install(pid, {:mine, exposed(:on_event, 3), name}) == :ok
      ask.(pid, 500)
      assert eventually(fn -> GenServer.call(keeper, :trail) == events end)
      assert :sys.remove(pid, :mine) == :ok
      ask.(pid, 500)
      assert GenServer.call(keeper, :trail) == events
    end)
    assert outcome(fn -> :sys.install(start(:server), {fn state, _, _ -> state end, 0}) end) != {:value, :ok}
  end

  test "no_debug switches everything off" do
    each(fn pid, _ ->
      :sys.log(pid, true)
      :sys.statistics(pid, true)
      :sys.trace(pid, true)
      assert {:status, _, _, [_, _, _, [_ | _], _]} = :sys.get_status(pid)
      assert :sys.no_debug(pid) == :ok
      assert {:status, _, _, [_, _, _, [], _]} = :sys.get_status(pid)
    end)
  end

  test "terminate ends it in order with the reason" do
    each(fn pid, _ ->
      ref = Process.monitor(pid)
      assert :sys.terminate(pid, :shutdown) == :ok
      assert_receive {:DOWN, ^ref, :process, ^pid, :shutdown}
    end)
    pid = start(:server, [self()])
    :sys.terminate(pid, {:shutdown, :now})
    assert_receive {:terminated, {:shutdown, :now}}
  end

  test "change_code while running, unknown requests and unknown debug options are answered as OTP does" do
    each(fn pid, _ ->
      assert :sys.change_code(pid, :m, 1, []) == {:error, {:unknown_system_msg, {:change_code, :m, 1, []}}}
      assert ask_system(pid, {:no_such, 1}) == {:error, {:unknown_system_msg, {:no_such, 1}}}
      assert ask_system(pid, {:debug, :no_such}) == :unknown_debug
    end)
  end

  defp ask_system(pid, request) do
    {:ok, reply} = :gen.call(pid, :system, request, 1_000)
    reply
  end

  test "a server that lets others only look says unknown_system_msg to all else" do
    pid = start(:limited)
    assert :sys.get_state(pid) == %{trail: []}
    assert {:status, ^pid, _, _} = :sys.get_status(pid)
    assert :sys.statistics(pid, :get) == {:ok, :no_statistics}
    for {request, known} <- [{:suspend, :suspend}, {{:terminate, :normal}, {:terminate, :normal}}, {{:debug, {:log, true}}, {:debug, {:log, true}}}] do
      assert ask_system(pid, request) == {:error, {:unknown_system_msg, known}}
    end
    assert GenServer.call(pid, :trail) == []
  end

  test "sys of nobody is noproc, of a busy server a timeout whose late answer is dropped" do
    assert {:exit, {:noproc, {:sys, :get_state, _}}} = outcome(fn -> :sys.get_state({:nobody_has_this, ours()}) end)
    pid = start(:server)
    GenServer.cast(pid, {:busy, 400})
    assert {:exit, {:timeout, {:sys, :get_state, _}}} = outcome(fn -> :sys.get_state(pid, 20) end)
    assert :sys.get_state(pid) == %{trail: []}
    assert mailbox() == []
  end
end
