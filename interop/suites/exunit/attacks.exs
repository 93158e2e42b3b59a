# What somebody on a BEAM with the right cookie may try on a node of ours. Everything is refused with the BEAM's own kind of
# error, every refusal is counted by `node.stats().refused`, and the node works on.
#
# Not asynchronous: each test looks at the count.
defmodule Ours.AttacksTest do
  use Ours.Case, async: false

  # A path that does not exist as long as nothing has been run.
  @trace System.fetch_env!("TIEBEAM_TRACE")
  @command to_charlist("touch #{@trace}")

  setup do
    server = start_named(:server)
    on_exit(fn ->
      assert GenServer.call(server, {:echo, :alive}) == :alive
      assert Node.ping(ours()) == :pong
    end)
    {:ok, server: server}
  end

  defp refused, do: :erpc.call(ours(), Ours, :refused, [])

  # What came of something, which has to have been counted as refused, so many times at least.
  defp attack(fun, times \\ 1) do
    before = refused()
    result = outcome(fun)
    eventually(fn -> refused() >= before + times end)
    result
  end

  defp undef?(result) do
    match?({:error, {:exception, :undef, [{_, _, _, []}]}}, result) or match?({:value, {:badrpc, {:EXIT, {:undef, _}}}}, result) or
      match?({:value, {:undef, _}}, result)
  end

  defp assert_undef(module, name, args) do
    assert undef?(attack(fn -> :erpc.call(ours(), module, name, args) end))
    assert undef?(attack(fn -> :rpc.call(ours(), module, name, args) end))
  end

  defp internal(name), do: :erpc.call(ours(), Ours, :internal, [name])

  test "commands of the operating system" do
    assert_undef(:os, :cmd, [@command])
    assert_undef(System, :cmd, ["touch", [@trace]])
    assert_undef(:erlang, :open_port, [{:spawn, @command}, []])
  end

  test "the end of the node: halt, init:stop, restart and reboot, System.stop" do
    for args <- [[], [0], [~c"slogan", []]], do: assert_undef(:erlang, :halt, args)
    for name <- [:stop, :restart, :reboot], do: assert_undef(:init, name, [])
    assert_undef(System, :halt, [1])
    assert_undef(System, :stop, [])
  end

  test "the end of the node, where nobody waits for an answer" do
    attack(fn -> :erpc.cast(ours(), :erlang, :halt, []) end)
    attack(fn -> :rpc.cast(ours(), :init, :stop, []) end)
    attack(fn -> :erpc.multicast([ours()], :erlang, :halt, []) end)
    attack(fn -> :rpc.eval_everywhere([ours()], :init, :stop, []) end)
    attack(fn -> Node.spawn(ours(), :erlang, :halt, []) end)
    attack(fn -> GenServer.cast({:rex, ours()}, {:cast, :erlang, :halt, [], Process.group_leader()}) end)
  end

  test "code of the attacker's own" do
    {module, binary, file} = :code.get_object_code(Ours.Case) |> own_code()
    assert_undef(:code, :load_binary, [module, file, binary])
    assert_undef(:erlang, :load_module, [module, binary])
    assert_undef(:code, :load_file, [:evil])
    assert_undef(:code, :add_patha, [~c"/tmp"])
    assert_undef(:code, :purge, [:kernel])
    assert_undef(:erlang, :load_nif, [~c"evil", 0])
    assert_undef(:erl_ddll, :load, [~c"/tmp", ~c"evil"])
    assert [{:badrpc, {:EXIT, {:undef, _}}}] = elem(:rpc.multicall([ours()], :code, :load_binary, [module, file, binary]), 0)
  end

  # The module was compiled in memory: there is no file of it.
  defp own_code(:error), do: {Ours.Evil, <<"FOR1">>, ~c"evil.beam"}
  defp own_code(found), do: found

  test "text that is to be run" do
    assert_undef(Code, :eval_string, ["System.halt()"])
    assert_undef(:erl_eval, :exprs, [[], []])
    assert_undef(:file, :eval, [~c"evil"])
    assert_undef(:c, :c, [:evil])
    assert_undef(IEx, :start, [])
  end

  test "files" do
    assert_undef(:file, :write_file, [to_charlist(@trace), "evil"])
    assert_undef(:file, :read_file, [~c"/etc/passwd"])
    assert_undef(:file, :delete, [~c"/etc/passwd"])
    assert_undef(:file, :list_dir, [~c"/"])
    assert_undef(File, :rm_rf, ["/tmp"])
    assert_undef(:prim_file, :write_file, [to_charlist(@trace), "evil"])
    assert_undef(:erl_prim_loader, :get_file, [~c"/etc/passwd"])
  end

  test "the cookie, connections and the network" do
    assert_undef(:erlang, :get_cookie, [])
    assert_undef(:erlang, :set_cookie, [node(), :evil])
    assert_undef(:erlang, :disconnect_node, [node()])
    assert_undef(:net_kernel, :stop, [])
    assert_undef(:gen_tcp, :connect, [~c"127.0.0.1", 22, []])
    assert {:exit, {:noproc, _}} = attack(fn -> GenServer.call({:auth, ours()}, :get_cookie) end)
  end

  test "a way around: apply, spawn and calls inside of calls" do
    assert_undef(:erlang, :apply, [:os, :cmd, [@command]])
    assert_undef(:erlang, :spawn, [:os, :cmd, [@command]])
    assert_undef(:erpc, :execute_call, [make_ref(), :os, :cmd, [@command]])
    assert_undef(:rpc, :call, [ours(), :os, :cmd, [@command]])
    assert_undef(:proc_lib, :spawn, [:os, :cmd, [@command]])
    assert_undef(:timer, :apply_after, [0, :os, :cmd, [@command]])
    assert_undef(Kernel, :apply, [:os, :cmd, [@command]])
    assert_undef(:lists, :map, [&:os.cmd/1, [@command]])
  end

  test "closures: called, spawned, linked, monitored" do
    test = self()
    evil = fn -> send(test, :ran) end
    assert undef?(attack(fn -> :erpc.call(ours(), evil) end))
    assert undef?(attack(fn -> :rpc.call(ours(), :erlang, :apply, [evil, []]) end))
    attack(fn -> Node.spawn(ours(), evil) end)
    {:value, {pid, ref}} = attack(fn -> Node.spawn_monitor(ours(), evil) end)
    assert_receive {:DOWN, ^ref, :process, ^pid, {:undef, _}}
    Process.flag(:trap_exit, true)
    {:value, pid} = attack(fn -> Node.spawn_link(ours(), evil) end)
    assert_receive {:EXIT, ^pid, {:undef, _}}
    refute_receive :ran, 20
  end

  test "functions as spawns with link, monitor and options" do
    {:value, {pid, ref}} = attack(fn -> Node.spawn_monitor(ours(), :os, :cmd, [@command]) end)
    assert_receive {:DOWN, ^ref, :process, ^pid, {:undef, [{:os, :cmd, [@command], []}]}}
    Process.flag(:trap_exit, true)
    {:value, pid} = attack(fn -> Node.spawn_link(ours(), :os, :cmd, [@command]) end)
    assert_receive {:EXIT, ^pid, {:undef, _}}
    {:value, {_, ref}} = attack(fn -> :erlang.spawn_opt(ours(), :os, :cmd, [@command], [:monitor, {:priority, :max}, {:min_heap_size, 1_000_000}]) end)
    assert_receive {:DOWN, ^ref, :process, _, {:undef, _}}
    # The wrapper of erpc itself, asked for what it is not to run.
    tag = make_ref()
    {:value, {_, ref}} = attack(fn -> Node.spawn_monitor(ours(), :erpc, :execute_call, [tag, :os, :cmd, [@command]]) end)
    assert_receive {:DOWN, ^ref, :process, _, {^tag, :error, :undef, [{:os, :cmd, [@command], []}]}}
  end

  test "rpc.block_call, and rex as C nodes and old BEAMs ask it" do
    assert undef?(attack(fn -> :rpc.block_call(ours(), :os, :cmd, [@command]) end))
    assert undef?(attack(fn -> GenServer.call({:rex, ours()}, {:call, :os, :cmd, [@command], Process.group_leader()}) end))
    attack(fn -> send({:rex, ours()}, {self(), {:call, :os, :cmd, [@command], :user}}) end)
    assert_receive {:rex, {:badrpc, {:EXIT, {:undef, _}}}}
    attack(fn -> send({:rex, ours()}, {self(), {:call, :os, :cmd, [@command], :send_stdout_to_caller}}) end)
    assert_receive {:rex, {:badrpc, {:EXIT, {:undef, _}}}}
  end

  test "rex and net_kernel with requests of their own, and of sys" do
    for name <- [:rex, :net_kernel] do
      target = {name, ours()}
      assert {:exit, {:timeout, _}} = attack(fn -> GenServer.call(target, :stop, 30) end)
      assert {:exit, {:timeout, _}} = attack(fn -> :sys.replace_state(target, fn _ -> nil end, 30) end)
      assert {:exit, {:timeout, _}} = attack(fn -> :sys.get_state(target, 30) end)
      assert {:exit, {:timeout, _}} = attack(fn -> GenServer.stop(target, :normal, 30) end)
      attack(fn -> GenServer.cast(target, :stop) end)
      attack(fn -> send(target, :stop) end)
    end
  end

  test "spawns that net_kernel of old releases would do" do
    gl = Process.group_leader()
    for request <- [
          {:spawn, :os, :cmd, [@command], gl}, {:spawn_link, :os, :cmd, [@command], gl},
          {:spawn_opt, :os, :cmd, [@command], [], :no_link, gl}, {:disconnect, node()}, {:new_ticktime, 1, 1}
        ] do
      assert {:exit, {:timeout, _}} = attack(fn -> :gen_server.call({:net_kernel, ours()}, request, 30) end)
    end
  end

  test "names of a BEAM's kernel that a node of ours does not have" do
    for name <- [:init, :code_server, :application_controller, :kernel_sup, :erl_prim_loader, :file_server_2, :user, :logger, :global_name_server] do
      attack(fn -> send({name, ours()}, {:stop, :stop}) end)
      assert {:exit, {:noproc, _}} = attack(fn -> GenServer.call({name, ours()}, :stop) end)
      assert {:exit, {:noproc, _}} = attack(fn -> :sys.terminate({name, ours()}, :normal) end)
    end
  end

  test "exit signals to the node's own processes, kill among them" do
    for name <- [:rex, :net_kernel, :host], reason <- [:kill, :shutdown, :boom] do
      pid = internal(name)
      assert {:value, true} = attack(fn -> Process.exit(pid, reason) end)
      assert internal(name) == pid
    end
    assert :rpc.block_call(ours(), Ours, :sum, [1, 2]) == 3
  end

  test "a link to the node's own processes, and a death" do
    for name <- [:rex, :net_kernel, :host] do
      pid = internal(name)
      doomed = spawn(fn -> Process.link(pid); receive do :die -> exit(:boom) end end)
      eventually(fn -> doomed in :erpc.call(ours(), Ours, :links, [pid]) end)
      send(doomed, :die)
      down(doomed)
      assert eventually(fn -> :erpc.call(ours(), Ours, :links, [pid]) == [] end)
      assert internal(name) == pid
    end
  end

  test "another group leader for the node's own processes" do
    leader = :erpc.call(ours(), Ours, :leader, [])
    assert node(leader) == ours()
    for name <- [:rex, :net_kernel, :host], do: attack(fn -> :erlang.group_leader(self(), internal(name)) end)
    assert :erpc.call(ours(), Ours, :leader, []) == leader
  end

  test "sys:replace_state with a closure, and with a function that is not exposed", %{server: server} do
    assert {:error, {:callback_failed, _, {:error, :undef}}} = attack(fn -> :sys.replace_state(server, fn _ -> :evil end) end)
    assert {:error, {:callback_failed, _, {:error, :undef}}} = attack(fn -> :sys.replace_state(server, &:os.cmd/1) end)
    assert :sys.get_state(server) == %{trail: []}
  end

  test "sys:install of a closure, and of a function that is not exposed", %{server: server} do
    refused = fn fun -> refute match?({:value, :ok}, attack(fn -> :sys.install(server, {:evil, fun, nil}) end)) end
    refused.(fn _, _, _ -> System.halt() end)
    refused.(&:erlang.halt/3)
    assert {:status, _, _, [_, _, _, [], _]} = :sys.get_status(server)
  end

  test "sys of a server that lets others only look, and of one that lets them do nothing" do
    for {kind, requests} <- [limited: [:suspend, :resume], closed: [:suspend, :get_state, :get_status]],
        request <- requests ++ [{:terminate, :normal}, {:replace_state, & &1}, {:debug, {:trace, true}}, {:change_code, :m, 1, []}] do
      pid = start(kind)
      assert {:value, {:ok, {:error, {:unknown_system_msg, _}}}} = attack(fn -> :gen.call(pid, :system, request, 1_000) end)
      assert GenServer.call(pid, :trail) == []
    end
    pid = start(:closed)
    refute match?({:value, _}, attack(fn -> GenServer.stop(pid, :normal, 100) end))
    assert GenServer.call(pid, :trail) == []
  end

  test "a request of sys in the name of a process elsewhere", %{server: server} do
    attack(fn -> send(server, {:system, {internal(:host), make_ref()}, {:terminate, :normal}}) end)
    assert :sys.get_state(server) == %{trail: []}
  end

  test "children whose start function is not exposed, or a closure" do
    sup = start(:supervisor)
    evil = fn -> System.halt() end
    for {start, i} <- Enum.with_index([{:os, :cmd, [@command]}, {:erlang, :apply, [evil, []]}, {:supervisor, :start_link, [:evil, []]}]) do
      assert {:value, {:error, {{:EXIT, {:undef, [_]}}, _}}} = attack(fn -> Supervisor.start_child(sup, %{id: i, start: start}) end)
      assert {:value, {:error, {:undef, [_]}}} = attack(fn -> DynamicSupervisor.start_child(start(:dynamic), %{id: i, start: start}) end)
    end
    assert Supervisor.which_children(sup) == []
  end

  test "changes of a supervisor that lets others only look" do
    sup = start(:watched)
    [{:a, pid, :worker, _}] = Supervisor.which_children(sup)
    spec = %{id: :b, start: {Ours, :start_worker, []}}
    requests = [start_child: [spec], terminate_child: [:a], restart_child: [:a], delete_child: [:a]]
    for {name, args} <- requests do
      assert {:value, {:error, _}} = attack(fn -> apply(Supervisor, name, [sup | args]) end)
    end
    assert [{:a, ^pid, :worker, _}] = Supervisor.which_children(sup)
  end

  test "tasks of functions that are not exposed, and of closures" do
    tasks = start(:tasks)
    assert {:exit, {{:undef, _}, _}} = attack(fn -> Task.await(Task.Supervisor.async_nolink(tasks, :os, :cmd, [@command])) end)
    assert {:exit, {{:undef, _}, _}} = attack(fn -> Task.await(Task.Supervisor.async_nolink(tasks, fn -> System.halt() end)) end)
    attack(fn -> Task.Supervisor.start_child(tasks, :init, :stop, []) end)
  end

  test "names of JavaScript's prototypes as functions and modules" do
    for name <- [:constructor, :__proto__, :toString, :hasOwnProperty, :valueOf, :__defineGetter__, :prototype, :call, :apply] do
      assert_undef(Ours, name, [])
      assert_undef(:__proto__, name, [])
      assert_undef(name, name, ["process.exit()"])
    end
    assert_undef(:Function, :constructor, ["process.exit()"])
    assert_undef(:global, :eval, ["process.exit()"])
    assert_undef(:process, :exit, [1])
    assert_undef(:child_process, :execSync, ["touch #{@trace}"])
  end

  test "names of JavaScript's prototypes as operations of a server, and as keys of what it is sent", %{server: server} do
    for request <- [:constructor, {:constructor, "x"}, {:__proto__, 1}, :toString, {:hasOwnProperty, :a}] do
      pid = start(:table)
      assert {:exit, {{%RuntimeError{message: "attempted to call GenServer " <> _}, _}, _}} =
               outcome(fn -> GenServer.call(pid, request) end)
    end
    evil = %{__proto__: %{polluted: true}, constructor: 1, toString: nil, hasOwnProperty: [1]}
    assert GenServer.call(server, {:echo, evil}) == evil
    assert :erpc.call(ours(), Ours, :polluted, []) == false
  end

  test "a wrong number of arguments, a name with an arity in it, arguments that are no list" do
    assert_undef(Ours, :one, [])
    assert_undef(Ours, :one, [1, 2])
    assert_undef(Ours, :"one/1", [1])
    assert_undef(:"Elixir.Ours:one", :one, [1])
    assert_undef(Ours, :one, List.duplicate(0, 200))
    improper = outcome(fn -> :erpc.call(ours(), Ours, :one, [1 | 2]) end)
    assert {:error, {:exception, :badarg, _}} = improper
  end

  test "a function that is exposed to others only" do
    assert_undef(Ours, :for_friends, [])
    assert {:value, {_, ref}} = attack(fn -> Node.spawn_monitor(ours(), Ours, :for_friends, []) end)
    assert_receive {:DOWN, ^ref, :process, _, {:undef, [{Ours, :for_friends, [], []}]}}
    attack(fn -> GenServer.cast({:rex, ours()}, {:cast, Ours, :for_friends, [], Process.group_leader()}) end)
  end

  test "the longest atoms there are, as modules, functions and names" do
    for letter <- ["a", "ö", "𝔸"] do
      huge = String.to_atom(String.duplicate(letter, 255))
      assert_undef(huge, huge, [huge])
      assert {:exit, {:noproc, _}} = attack(fn -> GenServer.call({huge, ours()}, huge) end)
    end
  end

  test "supervisors and their children can be killed, as on a BEAM, and nothing else ends with them" do
    sup = start(:supervisor)
    {:ok, child} = Supervisor.start_child(sup, %{id: :a, start: {Ours, :start_worker, []}})
    ref = Process.monitor(child)
    Process.exit(sup, :kill)
    assert_receive {:DOWN, ^ref, :process, ^child, :killed}
    assert down(sup) in [:killed, :noproc]
    # What is asked of the dead is refused as of all that is not there.
    assert {:exit, {:noproc, _}} = outcome(fn -> Supervisor.which_children(sup) end)
  end

  test "what an attacker would look at first: environment, processes, applications" do
    assert_undef(:os, :getenv, [])
    assert_undef(System, :get_env, ["HOME"])
    assert_undef(:erlang, :processes, [])
    assert_undef(:erlang, :process_info, [internal(:host)])
    assert_undef(:application, :get_all_env, [:kernel])
    assert_undef(:application, :stop, [:kernel])
    assert_undef(:ets, :all, [])
    assert_undef(:sys, :get_state, [internal(:rex)])
    assert undef?(attack(fn -> :rpc.pinfo(internal(:host)) end))
  end

  test "a node whose rules let nobody spawn says notsup, one that shows no names noproc" do
    closed = :erpc.call(ours(), Ours, :closed_node, [])
    refused = fn -> :erpc.call(ours(), Ours, :refused_by_closed, []) end
    before = refused.()
    assert {:error, {:erpc, :notsup}} = outcome(fn -> :erpc.call(closed, :os, :cmd, [@command]) end)
    assert :rpc.call(closed, :os, :cmd, [@command]) == {:badrpc, :notsup}
    assert {:exit, {:noproc, _}} = outcome(fn -> GenServer.call({:rex, closed}, {:call, :os, :cmd, [@command], self()}) end)
    assert {:exit, {:noproc, _}} = outcome(fn -> GenServer.call({:hidden, closed}, {:echo, 1}) end)
    assert GenServer.call({:shown, closed}, {:echo, 1}) == 1
    assert refused.() >= before + 4
  end
end
