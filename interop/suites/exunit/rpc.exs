# `:erpc`, `:rpc` and `Node.spawn` into a node of ours, in every form that they have. Errors are compared by pattern.
defmodule Ours.RpcTest do
  use Ours.Case, async: true

  @nobody :"nobody@127.0.0.1"

  test "erpc.call gives the value, at once and from an async function" do
    assert :erpc.call(ours(), Ours, :sum, [1, 2]) == 3
    assert :erpc.call(ours(), Ours, :later, [20, %{"k" => 1.5}], 1_000) == %{"k" => 1.5}
    assert :erpc.call(ours(), Ours, :later, [0, {:EXIT, 1}]) == {:EXIT, 1}
  end

  test "erpc.call gives a throw, an exit and an error as they are" do
    call = fn name, args -> outcome(fn -> :erpc.call(ours(), Ours, name, args) end) end
    assert call.(:throws, [:ball]) == {:throw, :ball}
    assert call.(:exits, [{:bye, 1}]) == {:exit, {:exception, {:bye, 1}}}
    assert {:error, {:exception, %RuntimeError{message: "RangeError: no"}, [{_, _, _, place} | _]}} = call.(:raises, ["no"])
    assert is_list(place[:file]) and is_integer(place[:line])
  end

  test "erpc.call of what is not exposed is undef: module, function, arity and closure" do
    call = fn m, f, a -> outcome(fn -> :erpc.call(ours(), m, f, a) end) end
    assert {:error, {:exception, :undef, [{Ours, :missing, [1], []}]}} = call.(Ours, :missing, [1])
    assert {:error, {:exception, :undef, [{:no_such, :thing, [1], []}]}} = call.(:no_such, :thing, [1])
    assert {:error, {:exception, :undef, [{Ours, :one, [1, 2], []}]}} = call.(Ours, :one, [1, 2])
    assert {:value, 1} = call.(Ours, :one, [1])
    assert {:error, {:exception, :undef, _}} = outcome(fn -> :erpc.call(ours(), fn -> 1 end) end)
    assert {:error, {:exception, :undef, _}} = outcome(fn -> :erpc.call(ours(), fn -> 1 end, 1_000) end)
  end

  test "erpc.call: timeout, no connection, bad arguments" do
    assert {:error, {:erpc, :timeout}} = outcome(fn -> :erpc.call(ours(), Ours, :later, [300, 1], 20) end)
    assert {:error, {:erpc, :timeout}} = outcome(fn -> :erpc.call(ours(), Ours, :later, [300, 1], 0) end)
    assert {:error, {:erpc, :noconnection}} = outcome(fn -> :erpc.call(@nobody, Ours, :sum, [1, 2]) end)
    assert {:error, {:erpc, :badarg}} = outcome(fn -> :erpc.call(ours(), Ours, :sum, :no_list) end)
    improper = outcome(fn -> :erpc.call(ours(), Ours, :sum, [1 | 2]) end)
    assert {:error, {:exception, :badarg, [{:erlang, :apply, [Ours, :sum, [1 | 2]], _}]}} = improper
    Process.sleep(350)
    assert mailbox() == []
  end

  test "erpc.cast and multicast run the function, and say nothing of what becomes of it" do
    name = start_named(:server)
    assert :erpc.cast(ours(), Ours, :note, [elem(name, 0), 1]) == :ok
    assert :erpc.multicast([ours(), @nobody], Ours, :note, [elem(name, 0), 2]) == :ok
    assert :erpc.cast(ours(), Ours, :raises, ["nobody hears"]) == :ok
    assert :erpc.cast(ours(), :no_such, :thing, [1]) == :ok
    assert eventually(fn -> Enum.sort(GenServer.call(name, :trail)) == [1, 2] end)
    assert mailbox() == []
  end

  test "erpc.multicall has a result for each node, in their order" do
    nodes = [ours(), @nobody, node(), ours()]
    assert [{:ok, 3}, {:error, {:erpc, :noconnection}}, {:error, {:exception, :undef, _}}, {:ok, 3}] =
             :erpc.multicall(nodes, Ours, :sum, [1, 2])
    assert [{:throw, 1}, {:throw, 1}] = :erpc.multicall([ours(), ours()], Ours, :throws, [1])
    assert [{:exit, {:exception, :bye}}] = :erpc.multicall([ours()], Ours, :exits, [:bye])
    assert [{:error, {:exception, %RuntimeError{}, [_ | _]}}] = :erpc.multicall([ours()], Ours, :raises, ["no"])
    assert [{:error, {:erpc, :timeout}}] = :erpc.multicall([ours()], Ours, :later, [300, 1], 20)
    assert [{:error, {:exception, :undef, _}}] = :erpc.multicall([ours()], fn -> 1 end)
    Process.sleep(350)
    assert mailbox() == []
  end

  test "erpc.send_request with receive_response, wait_response and check_response" do
    request = :erpc.send_request(ours(), Ours, :later, [150, :a])
    assert :erpc.wait_response(request, 0) == :no_response
    assert :erpc.receive_response(request, 1_000) == :a
    request = :erpc.send_request(ours(), Ours, :later, [20, :b])
    assert {:response, :b} = :erpc.wait_response(request, 1_000)
    request = :erpc.send_request(ours(), Ours, :sum, [1, 2])
    message = receive do message -> message end
    assert :erpc.check_response(:other, :erpc.send_request(ours(), Ours, :sum, [1, 1])) == :no_response
    assert {:response, 3} = :erpc.check_response(message, request)
    assert_receive {:DOWN, _, _, _, {_, :return, 2}}
    for {name, args, expected} <- [{:throws, [1], {:throw, 1}}, {:exits, [1], {:exit, {:exception, 1}}}] do
      request = :erpc.send_request(ours(), Ours, name, args)
      assert outcome(fn -> :erpc.receive_response(request, 1_000) end) == expected
    end

    request = :erpc.send_request(ours(), :no_such, :thing, [1])
    assert {:error, {:exception, :undef, _}} = outcome(fn -> :erpc.receive_response(request) end)
    request = :erpc.send_request(ours(), Ours, :later, [300, 1])
    assert {:error, {:erpc, :timeout}} = outcome(fn -> :erpc.receive_response(request, 10) end)
    Process.sleep(350)
    assert mailbox() == []
  end

  test "a function whose process is killed: its caller learns the signal" do
    request = :erpc.send_request(ours(), Ours, :never, [])
    Process.exit(runner(self()), :kill)
    assert outcome(fn -> :erpc.receive_response(request, 1_000) end) == {:exit, {:signal, :killed}}
    for {call, expected} <- [
          {fn -> :erpc.call(ours(), Ours, :never, []) end, {:exit, {:signal, :boom}}},
          {fn -> :rpc.call(ours(), Ours, :never, []) end, {:value, {:badrpc, {:EXIT, :boom}}}}
        ] do
      task = Task.async(fn -> outcome(call) end)
      Process.exit(runner(task.pid), :boom)
      assert Task.await(task) == expected
    end
  end

  # The process over there that runs the function for a caller, who monitors it.
  defp runner(caller) do
    eventually(fn ->
      {:monitors, monitors} = Process.info(caller, :monitors)
      Enum.find_value(monitors, fn {:process, pid} -> is_pid(pid) and node(pid) == ours() and pid end)
    end)
  end

  test "a collection of erpc requests" do
    requests = for i <- 1..4, reduce: :erpc.reqids_new() do
      requests -> :erpc.send_request(ours(), Ours, :later, [40 - 10 * i, i], i, requests)
    end

    {results, _} = Enum.map_reduce(1..4, requests, fn _, requests ->
      {result, label, requests} = :erpc.receive_response(requests, 1_000, true)
      {{label, result}, requests}
    end)
    assert Enum.sort(results) == for(i <- 1..4, do: {i, i})
  end

  test "rpc.call gives the value, a throw as a value, and badrpc for all that fails" do
    call = fn name, args -> :rpc.call(ours(), Ours, name, args) end
    assert call.(:sum, [1, 2]) == 3
    assert call.(:throws, [:ball]) == :ball
    assert call.(:exits, [:bye]) == {:badrpc, {:EXIT, :bye}}
    assert {:badrpc, {:EXIT, {%RuntimeError{message: "RangeError: no"}, [_ | _]}}} = call.(:raises, ["no"])
    assert {:badrpc, {:EXIT, {:undef, [{Ours, :missing, [], []}]}}} = call.(:missing, [])
    assert call.(:later, [0, {:EXIT, :value}]) == {:badrpc, {:EXIT, :value}}
    assert :rpc.call(ours(), Ours, :later, [300, 1], 20) == {:badrpc, :timeout}
    assert :rpc.call(@nobody, Ours, :sum, [1, 2]) == {:badrpc, :nodedown}
    Process.sleep(350)
    assert mailbox() == []
  end

  test "rpc.block_call: the same, one after the other in rex" do
    call = fn name, args -> :rpc.block_call(ours(), Ours, name, args) end
    assert call.(:sum, [1, 2]) == 3
    assert call.(:throws, [:ball]) == :ball
    assert call.(:exits, [:bye]) == {:badrpc, {:EXIT, :bye}}
    assert {:badrpc, {:EXIT, {%RuntimeError{}, [_ | _]}}} = call.(:raises, ["no"])
    assert {:badrpc, {:EXIT, {:undef, [{:no_such, :thing, [1], []}]}}} = :rpc.block_call(ours(), :no_such, :thing, [1])
    assert :rpc.block_call(ours(), Ours, :later, [300, 1], 20) == {:badrpc, :timeout}
    assert :rpc.block_call(@nobody, Ours, :sum, [1, 2]) == {:badrpc, :nodedown}
    {name, _} = server = start_named(:server)
    both = for i <- 1..2, do: Task.async(fn -> :rpc.block_call(ours(), Ours, :note_slowly, [name, i]) end)
    Task.await_many(both)
    assert [{:began, a}, {:ended, a}, {:began, b}, {:ended, b}] = GenServer.call(server, :trail)
    assert mailbox() == []
  end

  test "rpc.async_call with yield and nb_yield" do
    key = :rpc.async_call(ours(), Ours, :later, [150, :slow])
    assert :rpc.nb_yield(key, 0) == :timeout
    assert :rpc.nb_yield(key, 1_000) == {:value, :slow}
    assert :rpc.yield(:rpc.async_call(ours(), Ours, :sum, [2, 2])) == 4
    assert {:badrpc, {:EXIT, {:undef, _}}} = :rpc.yield(:rpc.async_call(ours(), :no_such, :thing, []))
    assert :rpc.yield(:rpc.async_call(@nobody, Ours, :sum, [2, 2])) == {:badrpc, :nodedown}
  end

  test "rpc.cast and eval_everywhere run the function" do
    {name, _} = server = start_named(:server)
    assert :rpc.cast(ours(), Ours, :note, [name, 1]) == true
    assert :rpc.eval_everywhere([ours(), @nobody], Ours, :note, [name, 2]) == :abcast
    assert eventually(fn -> Enum.sort(GenServer.call(server, :trail)) == [1, 2] end)
    assert :rpc.cast(ours(), :no_such, :thing, []) == true
    assert :rpc.call(ours(), Ours, :sum, [1, 2]) == 3
  end

  test "rpc.multicall has the results, and the nodes that are not there or too slow" do
    assert :rpc.multicall([ours(), @nobody], Ours, :sum, [1, 2]) == {[3], [@nobody]}
    assert :rpc.multicall([ours()], Ours, :later, [300, 1], 20) == {[], [ours()]}
    assert {[{:badrpc, {:EXIT, {:undef, _}}}], []} = :rpc.multicall([ours()], :no_such, :thing, [])
    assert {[:ball, {:badrpc, {:EXIT, :bye}}], []} =
             {Enum.flat_map([throws: [:ball], exits: [:bye]], fn {f, a} -> elem(:rpc.multicall([ours()], Ours, f, a), 0) end), []}
    Process.sleep(350)
    assert mailbox() == []
  end

  test "rpc.abcast and sbcast send a message to a name" do
    {name, node} = server = start_named(:server)
    assert :rpc.abcast([node, @nobody], name, {:note, 1}) == :abcast
    assert :rpc.sbcast([node], name, {:note, 2}) == {[node], []}
    assert :rpc.sbcast([node], :nobody_has_this, {:note, 3}) == {[], [node]}
    assert :rpc.sbcast([@nobody], name, {:note, 3}) == {[], [@nobody]}
    assert eventually(fn -> GenServer.call(server, :trail) == [1, 2] end)
    assert mailbox() == []
  end

  test "rpc.server_call and multi_server_call ask a server of that protocol" do
    {name, node} = start_named(:old_server)
    assert :rpc.server_call(node, name, name, {:double, 21}) == 42
    assert :rpc.server_call(node, :nobody_has_this, :wrap, {:double, 21}) == {:error, :nodedown}
    assert :rpc.multi_server_call([node, @nobody], name, {:double, 4}) == {[8], [@nobody]}
    assert mailbox() == []
  end

  @tag :ours
  test "rpc.pinfo asks for what is not exposed" do
    assert {:badrpc, {:EXIT, {:undef, [{:erlang, :process_info, [_], []}]}}} = :rpc.pinfo(start(:server))
  end

  test "Node.spawn, spawn_link and spawn_monitor run exposed functions" do
    {name, _} = server = start_named(:server)
    Node.spawn(ours(), Ours, :note, [name, :spawned])
    assert eventually(fn -> GenServer.call(server, :trail) == [:spawned] end)
    {pid, ref} = Node.spawn_monitor(ours(), Ours, :exits, [:bye])
    assert_receive {:DOWN, ^ref, :process, ^pid, :bye}
    {pid, ref} = Node.spawn_monitor(ours(), Ours, :sum, [1, 2])
    assert_receive {:DOWN, ^ref, :process, ^pid, :normal}
    {pid, ref} = Node.spawn_monitor(ours(), Ours, :throws, [:ball])
    assert_receive {:DOWN, ^ref, :process, ^pid, {{:nocatch, :ball}, stack}} when is_list(stack)
    Process.flag(:trap_exit, true)
    pid = Node.spawn_link(ours(), Ours, :raises, ["no"])
    assert_receive {:EXIT, ^pid, {%RuntimeError{message: "RangeError: no"}, [_ | _]}}
    pid = Node.spawn_link(ours(), Ours, :later, [10_000, 1])
    Process.exit(pid, :kill)
    assert_receive {:EXIT, ^pid, :killed}
  end

  test "what is not exposed, and a closure, end a spawned process with undef" do
    {pid, ref} = Node.spawn_monitor(ours(), :no_such, :thing, [1])
    assert_receive {:DOWN, ^ref, :process, ^pid, {:undef, [{:no_such, :thing, [1], []}]}}
    {pid, ref} = Node.spawn_monitor(ours(), fn -> :ok end)
    assert_receive {:DOWN, ^ref, :process, ^pid, {:undef, _}}
    Process.flag(:trap_exit, true)
    pid = Node.spawn_link(ours(), fn -> :ok end)
    assert_receive {:EXIT, ^pid, {:undef, _}}
  end

  test "spawn_request tells of the process, and of its end" do
    id = :erlang.spawn_request(ours(), Ours, :later, [50, 1], [:monitor, {:reply_tag, :started}])
    assert_receive {:started, ^id, :ok, pid} when node(pid) != node()
    assert_receive {:DOWN, ^id, :process, ^pid, :normal}
    id = :erlang.spawn_request(ours(), Ours, :sum, [1, 2], [{:reply, :error_only}])
    refute_receive {:spawn_reply, ^id, _, _}, 50
  end

  @tag :ours
  test "the stack of an error names the file and line of the function in TypeScript" do
    {:error, {:exception, _, stack}} = outcome(fn -> :erpc.call(ours(), Ours, :raises, ["no"]) end)
    assert Exception.format_stacktrace(stack) =~ ~r/exunit-node\.ts:\d+/
  end

  test "what a function prints comes out at the caller, in every form of call" do
    {:ok, device} = StringIO.open("")
    Process.group_leader(self(), device)
    :erpc.call(ours(), Ours, :says, ["by erpc"])
    :rpc.call(ours(), Ours, :says, ["by rpc"])
    :rpc.block_call(ours(), Ours, :says, ["by rex"])
    :rpc.yield(:rpc.async_call(ours(), Ours, :says, ["by promise"]))
    :erpc.multicall([ours()], Ours, :says, ["by multicall"])
    {_, ref} = Node.spawn_monitor(ours(), Ours, :says, ["by spawn"])
    assert_receive {:DOWN, ^ref, _, _, :normal}
    assert StringIO.flush(device) == "by erpc\nby rpc\nby rex\nby promise\nby multicall\nby spawn\n"
  end
end
