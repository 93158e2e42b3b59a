# Calls, casts and messages to a GenServer written in TypeScript (`Answers`).
defmodule Ours.GenServerTest do
  use Ours.Case, async: true

  test "a call gets its reply, by pid and by name" do
    assert GenServer.call(start(:server), {:echo, [1, 2.5, %{"a" => nil}]}) == [1, 2.5, %{"a" => nil}]
    assert GenServer.call(start_named(:server), {:echo, :named}) == :named
  end

  test "a reply that comes later, while others are served" do
    server = start(:server)
    late = Task.async(fn -> GenServer.call(server, {:later, 100, :late}) end)
    assert GenServer.call(server, {:echo, :meanwhile}) == :meanwhile
    assert Task.await(late) == :late
  end

  test "a reply of another process of that node" do
    assert GenServer.call(start(:server), {:by_clerk, {:signed, 1}}) == {:signed, 1}
  end

  test "a reply of a process of the BEAM that was handed the From" do
    test = self()
    caller = Task.async(fn -> GenServer.call(start(:server), {:pass_on, test}) end)
    assert_receive {:from, from}
    GenServer.reply(from, :from_here)
    assert Task.await(caller) == :from_here
  end

  test "a reply with a continue, which runs before the next call" do
    server = start(:server)
    assert GenServer.call(server, {:go_on, :a}) == :a
    assert GenServer.call(server, :trail) == [:a]
  end

  test "a stop with a reply: the reply arrives, then the end, and terminate has run" do
    server = start(:server, [self()])
    ref = Process.monitor(server)
    assert GenServer.call(server, {:stop_with, {:shutdown, 1}, :bye}) == :bye
    assert_receive {:DOWN, ^ref, :process, ^server, {:shutdown, 1}}
    assert_receive {:terminated, {:shutdown, 1}}
  end

  test "a stop without a reply: the caller exits with the reason" do
    for reason <- [:normal, :shutdown, {:shutdown, :later}, :boom, "text"] do
      server = start(:server)
      assert {:exit, {^reason, {GenServer, :call, [^server, {:stop, _}, 5000]}}} =
               outcome(fn -> GenServer.call(server, {:stop, reason}) end)
    end
  end

  test "no reply, then the timeout that was asked for replies" do
    assert GenServer.call(start(:server), {:when_silent, 20, :silence}) == :silence
  end

  test "a message in time keeps the timeout away" do
    server = start(:server)
    waiting = Task.async(fn -> GenServer.call(server, {:when_silent, 500, :silence}) end)
    eventually(fn -> GenServer.call(server, :trail) == [:waiting] end)
    assert Task.yield(waiting, 700) == nil
    GenServer.cast(server, :answer_whoever_waits)
    assert Task.await(waiting) == :answered
  end

  test "an exit, an error, a throw and an unknown request end the call as in Erlang" do
    reason = fn request ->
      {:exit, {reason, {GenServer, :call, _}}} = outcome(fn -> GenServer.call(start(:server), request) end)
      reason
    end

    assert reason.({:exit, {:gone, 1}}) == {:gone, 1}
    assert {%RuntimeError{message: "TypeError: no such thing"}, [{_, _, _, _} | _]} = reason.({:raise, "no such thing"})
    assert {:bad_return_value, :nothing_sensible} = reason.(:bad_return)
    # What `use GenServer` raises in Elixir where there is no handle_call for it.
    assert {%RuntimeError{message: "attempted to call GenServer " <> _}, [_ | _]} = reason.({:unknown, 1})
  end

  test "noproc for a name that nobody has and for a process that is gone, nodedown for a node that is not there" do
    gone = start(:server)
    Process.exit(gone, :kill)
    down(gone)
    assert {:exit, {:noproc, {GenServer, :call, _}}} = outcome(fn -> GenServer.call(gone, :trail) end)
    assert {:exit, {:noproc, _}} = outcome(fn -> GenServer.call({:nobody_has_this, ours()}, :trail) end)
    assert {:exit, {{:nodedown, _}, _}} = outcome(fn -> GenServer.call({:any, :"nobody@127.0.0.1"}, :trail) end)
  end

  test "a server that dies while it is called: the caller learns the reason" do
    server = start(:server)
    caller = Task.async(fn -> outcome(fn -> GenServer.call(server, :silent) end) end)
    eventually(fn -> GenServer.call(server, {:echo, true}) end)
    Process.exit(server, :kill)
    assert {:exit, {:killed, {GenServer, :call, [^server, :silent, 5000]}}} = Task.await(caller)
  end

  test "after a timeout the late reply is dropped, and the mailbox is empty" do
    server = start(:server)
    for _ <- 1..5 do
      assert {:exit, {:timeout, _}} = outcome(fn -> GenServer.call(server, {:later, 200, :late}, 20) end)
    end

    Process.sleep(250)
    assert GenServer.call(server, {:echo, :after}) == :after
    assert mailbox() == []
  end

  test "a second reply is dropped" do
    server = start(:server)
    for {value, timeout} <- [{1, 5_000}, {2, :infinity}] do
      assert GenServer.call(server, {:answer, value}, timeout) == value
      GenServer.cast(server, :answer_whoever_waits)
    end

    assert GenServer.call(server, {:echo, :after}) == :after
    assert mailbox() == []
  end

  test "a server that is busy lets callers time out, and answers those who still wait" do
    server = start(:server)
    busy = Task.async(fn -> GenServer.call(server, {:busy, 400}) end)
    Process.sleep(20)
    assert {:exit, {:timeout, _}} = outcome(fn -> GenServer.call(server, {:echo, 1}, 30) end)
    assert GenServer.call(server, {:echo, 2}) == 2
    assert Task.await(busy) == :done
    assert mailbox() == []
  end

  test "a thousand calls at once, each with its own reply" do
    server = start(:server)
    calls = for i <- 1..1_000, do: Task.async(fn -> GenServer.call(server, {:later, rem(i, 7), i}) end)
    assert Task.await_many(calls) == Enum.to_list(1..1_000)
  end

  test "send_request with wait_response, receive_response and check_response" do
    server = start(:server)
    assert :gen_server.wait_response(:gen_server.send_request(server, {:echo, 1}), 1_000) == {:reply, 1}
    assert :gen_server.receive_response(:gen_server.send_request(server, {:echo, 2}), 1_000) == {:reply, 2}
    assert :gen_server.receive_response(:gen_server.send_request(server, {:later, 200, 3}), 10) == :timeout
    request = :gen_server.send_request(server, {:stop, :why})
    assert {:error, {:why, ^server}} = :gen_server.wait_response(request, 1_000)
    assert {:error, {:noproc, _}} = :gen_server.wait_response(:gen_server.send_request({:nobody_has_this, ours()}, 1), 1_000)
    Process.sleep(250)
    assert mailbox() == []
  end

  test "a collection of requests is answered in any order" do
    server = start(:server)
    requests = for i <- 1..5, reduce: :gen_server.reqids_new() do
      requests -> :gen_server.send_request(server, {:later, 30 - 5 * i, i}, i, requests)
    end

    {replies, _} = Enum.map_reduce(1..5, requests, fn _, requests ->
      {{:reply, reply}, label, requests} = :gen_server.wait_response(requests, 1_000, true)
      {{label, reply}, requests}
    end)
    assert Enum.sort(replies) == for(i <- 1..5, do: {i, i})
  end

  test "multi_call has the replies of those that answer, and names the others" do
    {name, node} = start_named(:server)
    {:ok, local} = Agent.start(fn -> 0 end, name: name)
    nodes = [node, :"nobody@127.0.0.1"]
    assert GenServer.multi_call(nodes, name, {:echo, 7}, 2_000) == {[{node, 7}], [:"nobody@127.0.0.1"]}
    {replies, bad} = GenServer.multi_call([node, node()], name, {:get_and_update, {:erlang, :hd, []}}, 200)
    assert {replies, Enum.sort(bad)} == {[], Enum.sort([node, node()])}
    Process.exit(local, :kill)
  end

  test "multi_call: a server that is silent or unknown is bad, and what it says later is dropped" do
    {name, node} = start_named(:server)
    assert GenServer.multi_call([node], name, {:later, 200, :late}, 20) == {[], [node]}
    assert GenServer.multi_call([node], :nobody_has_this, 1, 1_000) == {[], [node]}
    Process.sleep(250)
    assert mailbox() == []
  end

  test "casts and messages arrive in order, abcast at every node that has the name" do
    {name, node} = server = start_named(:server)
    for i <- 1..50, do: if(rem(i, 2) == 0, do: GenServer.cast(server, {:note, i}), else: send(server, {:note, i}))
    assert GenServer.call(server, :trail) == Enum.to_list(1..50)
    assert GenServer.abcast([node, :"nobody@127.0.0.1"], name, {:note, :all}) == :abcast
    assert eventually(fn -> List.last(GenServer.call(server, :trail)) == :all end)
  end

  test "stop ends it with the reason, after terminate, and says so where there is nobody" do
    for {reason, expected} <- [{:normal, :normal}, {:shutdown, :shutdown}, {{:shutdown, 1}, {:shutdown, 1}}, {:boom, :boom}] do
      server = start(:server, [self()])
      ref = Process.monitor(server)
      assert GenServer.stop(server, reason) == :ok
      assert_receive {:DOWN, ^ref, :process, ^server, ^expected}
      assert_receive {:terminated, ^expected}
    end

    name = start_named(:server)
    assert GenServer.stop(name) == :ok
    assert {:exit, {:noproc, {GenServer, :stop, _}}} = outcome(fn -> GenServer.stop(name) end)
    assert mailbox() == []
  end

  test "stop of a server that is busy times out, and ends it later" do
    server = start(:server)
    GenServer.cast(server, {:busy, 500})
    assert {:exit, {:timeout, {GenServer, :stop, _}}} = outcome(fn -> GenServer.stop(server, :normal, 20) end)
    assert down(server) in [:normal, :noproc]
    assert mailbox() == []
  end

  test "a server that fails to start gives its reason" do
    assert {:error, :no_luck} = :erpc.call(ours(), Ours, :try_start, [{:stop, :no_luck}])
    assert :ignore = :erpc.call(ours(), Ours, :try_start, [:ignore])
    assert {:error, {%RuntimeError{message: "RangeError: init"}, [_ | _]}} =
             :erpc.call(ours(), Ours, :try_start, [{:raise, "init"}])
  end
end
