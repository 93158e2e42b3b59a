# A `TaskSupervisor` of ours, through Elixir's `Task.Supervisor` with module, function and arguments.
defmodule Ours.TaskTest do
  use Ours.Case, async: true

  defp caught(task, timeout \\ 5_000) do
    {:exit, {reason, {Task, :await, _}}} = outcome(fn -> Task.await(task, timeout) end)
    reason
  end

  test "async and async_nolink run an exposed function, by pid and by name" do
    tasks = start(:tasks)
    assert tasks |> Task.Supervisor.async(Ours, :sum, [1, 2]) |> Task.await() == 3
    assert tasks |> Task.Supervisor.async_nolink(Ours, :later, [20, :late]) |> Task.await() == :late
    assert start_named(:tasks) |> Task.Supervisor.async(Ours, :sum, [2, 2]) |> Task.await() == 4
    assert mailbox() == []
  end

  test "many tasks at once, each with its own result" do
    tasks = start(:tasks)
    started = for i <- 1..200, do: Task.Supervisor.async(tasks, Ours, :later, [rem(i, 5), i])
    assert Task.await_many(started) == Enum.to_list(1..200)
    assert eventually(fn -> Task.Supervisor.children(tasks) == [] end)
  end

  test "a task that fails takes the caller with it by async, and only says so by async_nolink" do
    tasks = start(:tasks)
    assert caught(Task.Supervisor.async_nolink(tasks, Ours, :exits, [:no_luck])) == :no_luck
    assert {%RuntimeError{message: "RangeError: no"}, [_ | _]} = caught(Task.Supervisor.async_nolink(tasks, Ours, :raises, ["no"]))
    assert {{:nocatch, :ball}, _} = caught(Task.Supervisor.async_nolink(tasks, Ours, :throws, [:ball]))
    {:ok, starter} = Task.start(fn ->
      Task.Supervisor.async(tasks, Ours, :exits, [:no_luck])
      Process.sleep(:infinity)
    end)
    assert down(starter) == :no_luck
  end

  test "what is not exposed, and a closure, end the task with undef" do
    tasks = start(:tasks)
    assert {:undef, [{:no_such, :thing, [1], []} | _]} = caught(Task.Supervisor.async_nolink(tasks, :no_such, :thing, [1]))
    assert {:undef, _} = caught(Task.Supervisor.async_nolink(tasks, fn -> 1 end))
  end

  test "await times out, yield waits on, shutdown ends it" do
    tasks = start(:tasks)
    slow = Task.Supervisor.async_nolink(tasks, Ours, :later, [200, :slow])
    assert Task.yield(slow, 10) == nil
    assert Task.yield(slow, 1_000) == {:ok, :slow}
    never = Task.Supervisor.async_nolink(tasks, Ours, :never, [])
    assert Task.shutdown(never) == nil
    assert down(never.pid) in [:shutdown, :noproc]
    assert Task.shutdown(Task.Supervisor.async_nolink(tasks, Ours, :never, []), :brutal_kill) == nil
    assert {:timeout, {Task, :await, _}} =
             elem(outcome(fn -> Task.await(Task.Supervisor.async_nolink(tasks, Ours, :later, [300, 1]), 10) end), 1)
    Process.sleep(350)
    assert mailbox() == []
  end

  test "a task ends with its owner" do
    tasks = start(:tasks)
    test = self()
    owner = spawn(fn ->
      send(test, {:task, Task.Supervisor.async(tasks, Ours, :never, []).pid})
      Process.sleep(:infinity)
    end)
    assert_receive {:task, task}
    assert Task.Supervisor.children(tasks) == [task]
    Process.exit(owner, :boom)
    assert down(task) in [:boom, :noproc]
  end

  test "start_child runs without a result, and is restarted as it says" do
    tasks = start(:tasks)
    {name, _} = server = start_named(:server)
    assert {:ok, pid} = Task.Supervisor.start_child(tasks, Ours, :note, [name, :once])
    assert node(pid) == ours()
    assert eventually(fn -> GenServer.call(server, :trail) == [:once] end)
    assert {:ok, _} = Task.Supervisor.start_child(tasks, Ours, :note_and_exit, [name, :again, :boom], restart: :transient)
    assert eventually(fn -> Enum.count(GenServer.call(server, :trail), &(&1 == :again)) >= 2 end)
  end

  test "terminate_child ends one, and says not_found of others" do
    tasks = start(:tasks)
    {:ok, pid} = Task.Supervisor.start_child(tasks, Ours, :never, [])
    assert Task.Supervisor.terminate_child(tasks, pid) == :ok
    assert Task.Supervisor.terminate_child(tasks, pid) == {:error, :not_found}
    assert Task.Supervisor.children(tasks) == []
  end

  test "async_stream and async_stream_nolink, in order and not, with failures and timeouts" do
    Process.flag(:trap_exit, true)
    tasks = start(:tasks)
    doubled = for i <- 1..40, do: {:ok, i + 100}
    assert tasks |> Task.Supervisor.async_stream(1..40, Ours, :sum, [100], max_concurrency: 8) |> Enum.to_list() == doubled
    unordered = Task.Supervisor.async_stream(tasks, 1..40, Ours, :sum, [100], ordered: false)
    assert Enum.sort(unordered) == doubled
    failing = Task.Supervisor.async_stream_nolink(tasks, [:a, :b], Ours, :exits, [])
    assert Enum.to_list(failing) == [exit: :a, exit: :b]
    slow = Task.Supervisor.async_stream_nolink(tasks, [0, 10_000], Ours, :later, [:x], timeout: 500, on_timeout: :kill_task)
    assert Enum.to_list(slow) == [ok: :x, exit: :timeout]
    assert eventually(fn -> Task.Supervisor.children(tasks) == [] end)
  end

  test "a supervisor that is not there is noproc" do
    assert {:exit, {:noproc, _}} = outcome(fn -> Task.Supervisor.async_nolink({:nobody_has_this, ours()}, Ours, :sum, [1, 2]) end)
  end
end
