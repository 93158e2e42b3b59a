# `:gen_statem` on machines of ours: `Door`, whose states are methods with enter calls, and `Turnstile`, whose states are terms.
defmodule Ours.GenStatemTest do
  use Ours.Case, async: true

  defp ask(machine, request), do: :gen_statem.call(machine, request, 2_000)

  test "calls are answered by the state, and change it" do
    door = start(:door)
    assert ask(door, :state) == :locked
    assert ask(door, {:code, 1, 100}) == {:unknown, {:code, 1, 100}}
    assert ask(door, {:code, 1234, 10_000}) == :ok
    assert ask(door, :state) == :open
    assert ask(door, :walk_through) == :through
    assert ask(door, :close) == :ok
    assert ask(door, :state) == :locked
    assert ask(door, :entered) == [:locked, :open, :locked]
  end

  test "a state timeout" do
    door = start(:door)
    assert ask(door, {:code, 1234, 30}) == :ok
    assert eventually(fn -> ask(door, :state) == :locked end)
    assert ask(door, :entered) == [:locked, :open, :locked]
  end

  test "a postponed call is answered after the change of state, and one that has timed out leaves nothing behind" do
    door = start(:door)
    assert {:exit, {:timeout, {:gen_statem, :call, [^door, :walk_through, 30]}}} = outcome(fn -> :gen_statem.call(door, :walk_through, 30) end)
    waiting = for _ <- 1..3, do: Task.async(fn -> ask(door, :walk_through) end)
    assert Task.yield(hd(waiting), 30) == nil
    assert ask(door, {:code, 1234, 10_000}) == :ok
    assert Task.await_many(waiting) == [:through, :through, :through]
    assert mailbox() == []
  end

  test "casts and messages are events" do
    door = start(:door)
    assert :gen_statem.cast(door, {:code, 1234, 10_000}) == :ok
    assert eventually(fn -> ask(door, :state) == :open end)
    send(door, :close)
    assert eventually(fn -> ask(door, :state) == :locked end)
  end

  test "calls of every kind: {:clean_timeout, T}, {:dirty_timeout, T}, :infinity, by name" do
    door = start_named(:door)
    for timeout <- [{:clean_timeout, 1_000}, {:dirty_timeout, 1_000}, :infinity], do: assert(:gen_statem.call(door, :state, timeout) == :locked)
    assert {:exit, {:timeout, _}} = outcome(fn -> :gen_statem.call(door, :walk_through, {:clean_timeout, 20}) end)
    assert GenServer.call(door, :state) == :locked
    assert mailbox() == []
  end

  test "send_request with receive_response, and a collection of them" do
    door = start(:door)
    assert :gen_statem.receive_response(:gen_statem.send_request(door, :state), 1_000) == {:reply, :locked}
    assert :gen_statem.receive_response(:gen_statem.send_request(door, :walk_through), 20) == :timeout
    requests = for i <- 1..3, reduce: :gen_statem.reqids_new() do
      requests -> :gen_statem.send_request(door, :state, i, requests)
    end
    {labels, _} = Enum.map_reduce(1..3, requests, fn _, requests ->
      {{:reply, :locked}, label, requests} = :gen_statem.receive_response(requests, 1_000, true)
      {label, requests}
    end)
    assert Enum.sort(labels) == [1, 2, 3]
  end

  test "states that are terms, inserted events, and timeouts by name and of silence" do
    machine = start(:turnstile)
    for event <- [:a, :b], do: :gen_statem.cast(machine, event)
    assert ask(machine, :passes) == 2
    assert ask(machine, :log) == [{:internal, :a}, {:internal, :b}]
    assert ask(machine, {:after, {:named, 1}, 20}) == :ok
    assert ask(machine, {:after, :never, 400}) == :ok
    assert ask(machine, {:cancel, :never}) == :ok
    assert eventually(fn -> List.last(ask(machine, :log)) == {:timeout, {:named, 1}, :late} end)
    assert ask(machine, {:silence, 20}) == :ok
    Process.sleep(150)
    assert List.last(ask(machine, :log)) == {:timeout, :silence}
    assert ask(machine, {:silence, 400}) == :ok
    assert ask(machine, :passes) == 2
    Process.sleep(500)
    log = ask(machine, :log)
    assert Enum.count(log, &(&1 == {:timeout, :silence})) == 1
    refute Enum.any?(log, &match?({:timeout, :never, _}, &1))
  end

  test "stop_and_reply: the reply, then the end with the reason; terminate has run" do
    door = start(:door, [self()])
    ref = Process.monitor(door)
    assert ask(door, {:stop_with, {:shutdown, 1}, :bye}) == :bye
    assert_receive {:DOWN, ^ref, :process, ^door, {:shutdown, 1}}
    assert_receive {:terminated, {:shutdown, 1}, :locked}
  end

  test "an error, an exit and a stop end the call with the reason" do
    reason = fn kind, request ->
      {:exit, {reason, {:gen_statem, :call, _}}} = outcome(fn -> ask(start(kind), request) end)
      reason
    end
    assert {%RuntimeError{message: "TypeError: no such thing"}, [_ | _]} = reason.(:door, :raise)
    assert reason.(:door, {:exit, {:gone, 1}}) == {:gone, 1}
    assert reason.(:turnstile, :nonsense) == {:unknown, :nonsense}
  end

  test "stop ends it, with terminate" do
    door = start(:door, [self()])
    assert :gen_statem.stop(door) == :ok
    assert_receive {:terminated, :normal, :locked}
    assert :gen_statem.stop(start(:door), :shutdown, 1_000) == :ok
    assert {:exit, :noproc} = outcome(fn -> :gen_statem.stop(door) end)
    assert {:exit, {:noproc, {:gen_statem, :call, _}}} = outcome(fn -> ask(door, :state) end)
  end

  @tag :ours
  test "sys shows state and data" do
    door = start(:door)
    assert :sys.get_state(door) == {:locked, %{entered: [:locked]}}
    assert {:status, ^door, {:module, :gen_statem}, _} = :sys.get_status(door)
    assert {{:on, 0}, %{log: []}} = :sys.get_state(start(:turnstile))
  end
end
