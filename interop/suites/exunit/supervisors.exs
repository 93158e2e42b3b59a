# Supervisors of ours, through Elixir's `Supervisor` and `DynamicSupervisor`.
defmodule Ours.SupervisorTest do
  use Ours.Case, async: true

  defp worker(id, more \\ %{}), do: Map.merge(%{id: id, start: {Ours, :start_worker, []}}, more)

  defp with_children(ids, options \\ []) do
    sup = start(:supervisor, [options[:strategy] || :one_for_one, options[:max_restarts] || 3])
    for id <- ids, do: {:ok, _} = Supervisor.start_child(sup, worker(id))
    sup
  end

  defp child(sup, id), do: sup |> Supervisor.which_children() |> List.keyfind(id, 0) |> elem(1)

  defp restarted(sup, id, old), do: eventually(fn -> is_pid(child(sup, id)) and child(sup, id) != old && child(sup, id) end)

  test "which_children lists the last one first, with type and modules; count_children counts" do
    sup = with_children([:a, :b])
    {:ok, c} = Supervisor.start_child(sup, worker(:c, %{type: :supervisor, modules: :dynamic}))
    assert [{:c, ^c, :supervisor, :dynamic}, {:b, b, :worker, [Ours]}, {:a, a, :worker, [Ours]}] = Supervisor.which_children(sup)
    assert Enum.all?([a, b, c], &(node(&1) == ours()))
    assert Supervisor.count_children(sup) == %{specs: 3, active: 3, supervisors: 1, workers: 2}
  end

  test "start_child: with more to say, present, running, failing, missing, nonsense" do
    sup = with_children([:a])
    a = child(sup, :a)
    info = %{id: :info, start: {Ours, :start_worker_with, [:more]}}
    assert {:ok, pid, :more} = Supervisor.start_child(sup, info)
    assert is_pid(pid)
    assert Supervisor.start_child(sup, worker(:a)) == {:error, {:already_started, a}}
    :ok = Supervisor.terminate_child(sup, :a)
    assert Supervisor.start_child(sup, worker(:a)) == {:error, :already_present}
    assert {:error, :full} = Supervisor.start_child(sup, %{id: :x, start: {Ours, :fail_to_start, [:full]}}) |> reason()
    assert {:ok, :undefined} = Supervisor.start_child(sup, %{id: :i, start: {Ours, :ignore_start, []}})
    missing = Supervisor.start_child(sup, %{id: :y, start: {:no_such, :thing, [1]}})
    assert {:error, {:EXIT, {:undef, [{:no_such, :thing, [1], []} | _]}}} = reason(missing)
    assert {:error, 3} = reason(Supervisor.start_child(sup, %{id: :z, start: {Ours, :sum, [1, 2]}}))
    assert {:error, {:EXIT, {%RuntimeError{message: "RangeError: no"}, _}}} =
             reason(Supervisor.start_child(sup, %{id: :z, start: {Ours, :raises, ["no"]}}))
    for spec <- [%{id: 1}, %{start: {:m, :f, []}}, %{id: 1, start: :m}, %{id: 1, start: {:m, :f, []}, restart: :often}] do
      assert {:error, _} = :supervisor.start_child(sup, spec)
    end

    assert Process.info(self(), :message_queue_len) == {:message_queue_len, 0}
  end

  # OTP says `{error, {Reason, Child}}` where a spec is kept, and `{error, Reason}` for others.
  defp reason({:error, {reason, child}}) when elem(child, 0) == :child, do: {:error, reason}
  defp reason(other), do: other

  test "terminate_child, restart_child and delete_child, with what each says of a wrong state" do
    sup = with_children([:a])
    a = child(sup, :a)
    assert Supervisor.restart_child(sup, :a) == {:error, :running}
    assert Supervisor.delete_child(sup, :a) == {:error, :running}
    assert Supervisor.terminate_child(sup, :a) == :ok
    assert down(a) in [:shutdown, :noproc]
    assert child(sup, :a) == :undefined
    assert Supervisor.terminate_child(sup, :a) == :ok
    assert {:ok, again} = Supervisor.restart_child(sup, :a)
    assert again != a and child(sup, :a) == again
    :ok = Supervisor.terminate_child(sup, :a)
    assert Supervisor.delete_child(sup, :a) == :ok
    for request <- [:restart_child, :delete_child, :terminate_child] do
      assert apply(Supervisor, request, [sup, :a]) == {:error, :not_found}
    end

    assert Supervisor.which_children(sup) == []
  end

  test "get_childspec gives the spec back, with its defaults" do
    sup = with_children([:a])
    assert {:ok, %{id: :a, start: {Ours, :start_worker, []}, restart: :permanent, shutdown: 5000, type: :worker}} =
             :supervisor.get_childspec(sup, :a)
    assert :supervisor.get_childspec(sup, :b) == {:error, :not_found}
  end

  test "permanent, transient and temporary children after every kind of end" do
    for {restart, reason, again?} <- [
          {:permanent, :normal, true}, {:permanent, :boom, true}, {:permanent, :shutdown, true},
          {:transient, :normal, false}, {:transient, :shutdown, false}, {:transient, {:shutdown, 1}, false},
          {:transient, :boom, true}, {:transient, :kill, true}, {:temporary, :boom, false}, {:temporary, :normal, false}
        ] do
      sup = start(:supervisor, [:one_for_one, 3])
      {:ok, pid} = Supervisor.start_child(sup, worker(:a, %{restart: restart}))
      ref = Process.monitor(pid)
      if reason == :kill, do: Process.exit(pid, :kill), else: GenServer.cast(pid, {:exit, reason})
      assert_receive {:DOWN, ^ref, _, _, _}
      case {restart, again?} do
        {_, true} -> assert restarted(sup, :a, pid)
        {:temporary, _} -> assert eventually(fn -> Supervisor.which_children(sup) == [] end)
        _ -> assert eventually(fn -> child(sup, :a) == :undefined end)
      end
    end
  end

  test "one_for_all and rest_for_one end siblings with shutdown and start them again in order" do
    for {strategy, stay} <- [one_for_all: [], rest_for_one: [:a]] do
      sup = with_children([:a, :b, :c], strategy: strategy)
      before = Map.new([:a, :b, :c], &{&1, child(sup, &1)})
      ref = Process.monitor(before.c)
      Process.exit(before.b, :boom)
      assert_receive {:DOWN, ^ref, _, _, :shutdown}
      for id <- [:a, :b, :c] -- stay, do: assert(restarted(sup, id, before[id]))
      for id <- stay, do: assert(child(sup, id) == before[id])
    end
  end

  test "too many restarts end it with shutdown, and its children with it" do
    sup = with_children([:a, :b], max_restarts: 1)
    ref = Process.monitor(sup)
    other = Process.monitor(child(sup, :b))
    a = child(sup, :a)
    Process.exit(a, :boom)
    Process.exit(restarted(sup, :a, a), :boom)
    assert_receive {:DOWN, ^ref, _, _, :shutdown}
    assert_receive {:DOWN, ^other, _, _, :shutdown}
  end

  test "a child that does not want to end is killed after its time, brutal_kill at once, terminate runs where it traps" do
    sup = start(:supervisor, [:one_for_one, 3])
    {:ok, deaf} = Supervisor.start_child(sup, worker(:deaf, %{start: {Ours, :start_deaf, []}, shutdown: 50}))
    {:ok, brutal} = Supervisor.start_child(sup, worker(:brutal, %{start: {Ours, :start_trapping, [self()]}, shutdown: :brutal_kill}))
    {:ok, good} = Supervisor.start_child(sup, worker(:good, %{start: {Ours, :start_trapping, [self()]}}))
    refs = for pid <- [deaf, brutal, good], do: Process.monitor(pid)
    for id <- [:deaf, :brutal, :good], do: assert(Supervisor.terminate_child(sup, id) == :ok)
    assert [:killed, :killed, :shutdown] = (for ref <- refs do
      assert_receive {:DOWN, ^ref, _, _, reason}
      reason
    end)
    assert_receive {:terminated, :shutdown}
    refute_receive {:terminated, _}, 30
  end

  test "Supervisor.stop ends the children in reverse order, then itself with the reason" do
    sup = start(:supervisor, [:one_for_one, 3])
    for id <- [:a, :b], do: {:ok, _} = Supervisor.start_child(sup, worker(id, %{start: {Ours, :start_trapping, [self(), id]}}))
    ref = Process.monitor(sup)
    assert Supervisor.stop(sup, :normal) == :ok
    assert_receive {:terminated, :b, :shutdown}
    assert_receive {:terminated, :a, :shutdown}
    assert_receive {:DOWN, ^ref, _, _, :normal}
  end

  # One of OTP ends by the call.
  @tag :ours
  test "calls and casts that a supervisor does not know do not harm it" do
    sup = with_children([:a])
    assert {:error, _} = GenServer.call(sup, {:no_such_request, 1})
    GenServer.cast(sup, :nothing)
    send(sup, :nothing)
    assert [{:a, _, _, _}] = Supervisor.which_children(sup)
  end

  test "a DynamicSupervisor starts, lists, counts, ends and restarts" do
    sup = start(:dynamic)
    {:ok, a} = DynamicSupervisor.start_child(sup, worker(:any))
    {:ok, b} = DynamicSupervisor.start_child(sup, worker(:any, %{restart: :temporary}))
    assert Enum.sort(DynamicSupervisor.which_children(sup)) == Enum.sort(for pid <- [a, b], do: {:undefined, pid, :worker, [Ours]})
    assert DynamicSupervisor.count_children(sup) == %{specs: 2, active: 2, supervisors: 0, workers: 2}
    assert DynamicSupervisor.terminate_child(sup, b) == :ok
    assert DynamicSupervisor.terminate_child(sup, b) == {:error, :not_found}
    Process.exit(a, :kill)
    assert eventually(fn -> match?([{_, pid, _, _}] when pid != a and is_pid(pid), DynamicSupervisor.which_children(sup)) end)
    assert DynamicSupervisor.start_child(sup, %{id: 1, start: {Ours, :ignore_start, []}}) == :ignore
    assert {:error, :full} = DynamicSupervisor.start_child(sup, %{id: 1, start: {Ours, :fail_to_start, [:full]}})
    assert {:error, {:undef, [{:no_such, :thing, [], []} | _]}} = DynamicSupervisor.start_child(sup, %{id: 1, start: {:no_such, :thing, []}})
    assert DynamicSupervisor.stop(sup) == :ok
  end

  test "a DynamicSupervisor has no more children than it may" do
    sup = start(:dynamic, [1])
    assert {:ok, _} = DynamicSupervisor.start_child(sup, worker(:a))
    assert DynamicSupervisor.start_child(sup, worker(:b)) == {:error, :max_children}
  end
end
