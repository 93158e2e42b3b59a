# What becomes of all that goes across when the connection is lost. Not asynchronous: it is everybody's connection.
defmodule Ours.LossTest do
  use Ours.Case, async: false

  setup do
    :pong = Node.ping(ours())
    :ok
  end

  defp lose do
    true = Node.disconnect(ours())
    eventually(fn -> ours() not in Node.list(:hidden) end)
  end

  test "monitors and links end with noconnection, once, and the next call connects again" do
    Process.flag(:trap_exit, true)
    {name, node} = named = start_named(:server)
    pid = start(:server)
    refs = [Process.monitor(pid), Process.monitor(pid)]
    by_name = Process.monitor(named)
    linked = start(:server)
    Process.link(linked)
    lose()
    for ref <- refs, do: assert_receive({:DOWN, ^ref, :process, ^pid, :noconnection})
    assert_receive {:DOWN, ^by_name, :process, {^name, ^node}, :noconnection}
    assert_receive {:EXIT, ^linked, :noconnection}
    assert GenServer.call(pid, {:echo, :again}) == :again
    # The link was lost on the other side as well, where nobody traps exits.
    assert {:exit, {:noproc, _}} = outcome(fn -> GenServer.call(linked, :trail) end)
    assert mailbox() == []
  end

  test "calls of every kind say nodedown, and their late replies never come" do
    pid = start(:server)
    calls = [
      {fn -> GenServer.call(pid, {:later, 1_500, :late}) end, &match?({:exit, {{:nodedown, _}, {GenServer, :call, _}}}, &1)},
      {fn -> :erpc.call(ours(), Ours, :later, [1_500, :late]) end, &(&1 == {:error, {:erpc, :noconnection}})},
      {fn -> :rpc.call(ours(), Ours, :later, [1_500, :late]) end, &(&1 == {:value, {:badrpc, :nodedown}})},
      {fn -> :rpc.block_call(ours(), Ours, :later, [1_500, :late]) end, &(&1 == {:value, {:badrpc, :nodedown}})},
      {fn -> :erpc.multicall([ours()], Ours, :later, [1_500, :late]) end, &(&1 == {:value, [error: {:erpc, :noconnection}]})},
      {fn -> GenServer.multi_call([ours()], :nobody_has_this, 1, 1_000) end, &(&1 == {:value, {[], [ours()]}})}
    ]

    tasks = for {call, _} <- calls, do: Task.async(fn -> {outcome(call), mailbox_of_self(1_700)} end)
    Process.sleep(100)
    lose()
    for {task, {_, expected?}} <- Enum.zip(tasks, calls) do
      {result, messages} = Task.await(task)
      assert expected?.(result), inspect(result)
      assert messages == []
    end
  end

  defp mailbox_of_self(after_ms) do
    Process.sleep(after_ms)
    {:messages, messages} = Process.info(self(), :messages)
    messages
  end

  test "a child of ours that is linked to a process of the BEAM is started again, once, by its supervisor" do
    sup = start(:supervisor, [:one_for_one, 3])
    {:ok, pid} = Supervisor.start_child(sup, %{id: :a, start: {Ours, :start_worker, []}})
    {:ok, other} = Supervisor.start_child(sup, %{id: :b, start: {Ours, :start_worker, []}})
    partner = bystander()
    assert GenServer.call(pid, {:link, partner}) == :ok
    lose()
    # The BEAM's own process does not trap exits: it dies as well.
    assert down(partner) in [:noconnection, :noproc]
    [{:b, still, _, _}, {:a, new, _, _}] =
      eventually(fn ->
        children = Supervisor.which_children(sup)
        is_pid(elem(List.keyfind(children, :a, 0), 1)) and elem(List.keyfind(children, :a, 0), 1) != pid and children
      end)
    assert still == other and new != pid
  end

  test "a task of ours whose owner is behind the lost connection" do
    tasks = start(:tasks)
    task = Task.Supervisor.async_nolink(tasks, Ours, :never, [])
    assert Task.Supervisor.children(tasks) == [task.pid]
    lose()
    assert {:exit, {{:nodedown, _}, {Task, :await, _}}} = outcome(fn -> Task.await(task) end)
    # It is not linked to its owner: it goes on, as a task of Elixir does.
    assert Task.Supervisor.children(tasks) == [task.pid]
    assert Task.Supervisor.terminate_child(tasks, task.pid) == :ok
  end

  test "Node.monitor tells of it" do
    Node.monitor(ours(), true)
    lose()
    assert_receive {:nodedown, node} when node != node()
    assert Node.ping(ours()) == :pong
  end
end
