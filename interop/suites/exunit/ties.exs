# Links, monitors and exit signals between processes of the BEAM and supervised ones of ours.
defmodule Ours.TiesTest do
  use Ours.Case, async: true

  defp worker(start \\ {Ours, :start_worker, []}, more \\ %{}), do: Map.merge(%{id: :a, start: start}, more)

  defp supervised(start \\ {Ours, :start_worker, []}, more \\ %{}) do
    sup = start(:supervisor, [:one_for_one, 3])
    {:ok, pid} = Supervisor.start_child(sup, worker(start, more))
    {sup, pid}
  end

  defp child(sup), do: sup |> Supervisor.which_children() |> List.keyfind(:a, 0) |> elem(1)

  defp restarted(sup, old), do: eventually(fn -> is_pid(child(sup)) and child(sup) != old end)

  # The same server in Elixir, for comparing.
  defmodule Twin do
    use GenServer

    def init({reporter, traps}) do
      Process.flag(:trap_exit, traps)
      {:ok, reporter}
    end

    def handle_call(:trail, _from, reporter), do: {:reply, [], reporter}

    def handle_info(message, reporter) do
      send(reporter, {:info, message})
      {:noreply, reporter}
    end

    def terminate(reason, reporter), do: send(reporter, {:terminated, reason})
  end

  test "Process.exit with normal, shutdown, kill and others does to ours what it does to Elixir's, trapping or not" do
    for traps <- [false, true], reason <- [:normal, :shutdown, {:shutdown, 1}, :kill, :killed, :boom] do
      seen = fn start ->
        pid = start.()
        ref = Process.monitor(pid)
        Process.exit(pid, reason)

        # The signal comes before the call: who answers has survived it, and what it was told of it is here.
        case outcome(fn -> GenServer.call(pid, :trail) end) do
          {:value, []} ->
            Process.demonitor(ref, [:flush])
            Process.exit(pid, :kill)
            {:alive, receive do {:info, {:EXIT, from, why}} when from == self() -> why after 0 -> :nothing end}

          {:exit, _} ->
            receive do {:DOWN, ^ref, _, _, why} -> {:down, why} after 2_000 -> flunk("no DOWN") end
        end
      end

      theirs = seen.(fn -> {:ok, pid} = GenServer.start(Twin, {self(), traps}); pid end)
      assert {traps, reason, seen.(fn -> start(:server, [self(), traps]) end)} == {traps, reason, theirs}
      refute_receive {:terminated, _}, 10
    end
  end

  test "terminate runs when a supervisor stops a server that traps, and not when it does not" do
    for {traps, told} <- [{true, [:shutdown]}, {false, []}] do
      {sup, pid} = supervised({Ours, :start_server, [self(), traps]})
      ref = Process.monitor(pid)
      :ok = Supervisor.terminate_child(sup, :a)
      assert_receive {:DOWN, ^ref, _, _, :shutdown}
      assert (receive do {:terminated, reason} -> [reason] after 50 -> [] end) == told
    end
  end

  test "a process of the BEAM that links to a child of ours dies with it, and the child is started again" do
    {sup, pid} = supervised()
    linked = spawn(fn -> Process.link(pid); Process.sleep(:infinity) end)
    eventually(fn -> linked in links(pid) end)
    Process.exit(pid, :boom)
    assert down(linked) in [:boom, :noproc]
    assert restarted(sup, pid)
  end

  test "a child of ours dies with a process of the BEAM that it is linked to, and is started again" do
    for {reason, dies?} <- [boom: true, kill: true, shutdown: true, normal: false] do
      {sup, pid} = supervised()
      partner = spawn(fn -> receive do reason -> exit(reason) end end)
      assert GenServer.call(pid, {:link, partner}) == :ok
      if reason == :kill, do: Process.exit(partner, :kill), else: send(partner, reason)
      assert down(partner)
      if dies?, do: assert(restarted(sup, pid)), else: assert(GenServer.call(pid, :trail) == [] and child(sup) == pid)
    end
  end

  test "an unlinked process lives on, a link made twice is one" do
    Process.flag(:trap_exit, true)
    {_sup, pid} = supervised()
    Process.link(pid)
    Process.link(pid)
    Process.unlink(pid)
    Process.exit(pid, :boom)
    refute_receive {:EXIT, ^pid, _}, 50
    {_sup, pid} = supervised()
    Process.link(pid)
    Process.exit(pid, :boom)
    assert_receive {:EXIT, ^pid, :boom}
    Process.link(pid)
    assert_receive {:EXIT, ^pid, :noproc}
  end

  test "monitors of a child tell each kind of end once: crash, kill, terminate_child, brutal_kill, stop of the supervisor" do
    ends = [
      {%{}, :boom, fn _sup, pid -> Process.exit(pid, :boom) end},
      {%{}, :killed, fn _sup, pid -> Process.exit(pid, :kill) end},
      {%{}, :shutdown, fn sup, _pid -> Supervisor.terminate_child(sup, :a) end},
      {%{shutdown: :brutal_kill}, :killed, fn sup, _pid -> Supervisor.terminate_child(sup, :a) end},
      {%{}, :shutdown, fn sup, _pid -> Supervisor.stop(sup) end},
      {%{}, :killed, fn sup, _pid -> Process.exit(sup, :kill) end}
    ]

    for {more, expected, act} <- ends do
      {sup, pid} = supervised({Ours, :start_worker, []}, more)
      refs = for _ <- 1..3, do: Process.monitor(pid)
      act.(sup, pid)
      for ref <- refs, do: assert_receive({:DOWN, ^ref, :process, ^pid, ^expected})
      refute_receive {:DOWN, _, _, _, _}, 20
    end
  end

  test "a monitor by name sees the one that has the name now, and noproc when there is none" do
    {name, node} = start_named(:server)
    ref = Process.monitor({name, node})
    GenServer.stop({name, node}, :shutdown)
    assert_receive {:DOWN, ^ref, :process, {^name, ^node}, :shutdown}
    ref = Process.monitor({name, node})
    assert_receive {:DOWN, ^ref, :process, {^name, ^node}, :noproc}
  end

  test "a server that is busy is monitored, linked and killed at once" do
    Process.flag(:trap_exit, true)
    pid = start(:server)
    GenServer.cast(pid, {:busy, 5_000})
    ref = Process.monitor(pid)
    Process.link(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^ref, _, _, :killed}, 1_000
    assert_receive {:EXIT, ^pid, :killed}, 1_000
  end

  test "a supervisor of ours traps exits: what is linked to it may die, its parent may not" do
    sup = start(:supervisor, [:one_for_one, 3])
    linked = spawn(fn -> Process.link(sup); receive do :die -> exit(:boom) end end)
    eventually(fn -> linked in links(sup) end)
    send(linked, :die)
    assert down(linked) in [:boom, :noproc]
    assert Supervisor.which_children(sup) == []
    Process.exit(sup, :shutdown)
    assert Supervisor.which_children(sup) == []
  end

  test "two supervisors, one on each side, whose children are linked: both children come back" do
    {ours, pid} = supervised()
    child = %{id: :b, start: {Agent, :start_link, [fn -> nil end]}}
    {:ok, theirs} = Supervisor.start_link([child], strategy: :one_for_one)
    [{:b, partner, _, _}] = Supervisor.which_children(theirs)
    :ok = GenServer.call(pid, {:link, partner})
    Process.exit(partner, :kill)
    assert restarted(ours, pid)
    assert eventually(fn -> match?([{:b, new, _, _}] when is_pid(new) and new != partner, Supervisor.which_children(theirs)) end)
    Supervisor.stop(theirs)
  end

  defp links(pid), do: :erpc.call(ours(), Ours, :links, [pid])
end
