# The BEAM's side of observer.interop.ts: what the windows of observer ask of the node that was chosen in its menu, in the
# same ways (erpc, block_call, spawn with a link, casts), and what they would show of it as text.
defmodule Tools do
  # Observer's menu of nodes: when one is chosen.
  def select(node) do
    block = &:rpc.block_call(node, &1, &2, &3)

    %{
      sys_info: Keyword.keys(:erpc.call(node, :observer_backend, :sys_info, [])),
      applications: block.(:application, :which_applications, []),
      rb: {block.(:code, :ensure_loaded, [:rb]), block.(:erlang, :function_exported, [:rb, :log_list, 0])},
      rb_server: block.(:erlang, :whereis, [:rb_server])
    }
  end

  # The tab of processes.
  def processes(node) do
    {:module, _} = :rpc.call(node, :code, :ensure_loaded, [:observer_backend])
    true = :rpc.call(node, :erlang, :function_exported, [:observer_backend, :procs_info, 1])

    linked(node, :procs_info, [], fn pid ->
      receive do
        {:procs_info, ^pid, infos} -> infos
      after
        5_000 -> :silence
      end
    end)
  end

  # What etop and older observers ask instead.
  def etop(node) do
    linked(node, :etop_collect, [], fn pid ->
      receive do
        {^pid, info} when elem(info, 0) == :etop_info -> info
      after
        5_000 -> :silence
      end
    end)
  end

  # The tab of load charts: two rounds, and then the window is closed.
  def stats(node) do
    linked(node, :fetch_stats, [50], fn pid ->
      rounds =
        for _ <- 1..2 do
          receive do
            {:stats, 1, times, {{:input, i}, {:output, o}}, memory} when is_integer(i + o) ->
              {Enum.all?(times, &match?({_, active, total} when active <= total, &1)), Keyword.keys(memory)}
          after
            5_000 -> :silence
          end
        end

      send(pid, {self(), :stop})
      {Enum.uniq(rounds), :rpc.call(node, :erlang, :system_info, [:dirty_cpu_schedulers]) >= 0}
    end)
  end

  # The tab of applications: the list, and the tree of one of them.
  def tree(node, app) do
    {:ok, server} = :rpc.call(node, :appmon_info, :start_link2, [self(), self(), []])
    apps = delivered(server, :app_ctrl, node)
    tree = delivered(server, :app, app)
    Process.unlink(server)
    Process.exit(server, :kill)
    {apps, tree}
  end

  # The window of one process.
  def window(node, pid) do
    items =
      ~w(binary catchlevel current_function error_handler garbage_collection group_leader heap_size initial_call last_calls links
         memory message_queue_len monitored_by monitors priority reductions registered_name sequential_trace_token stack_size
         status suspending total_heap_size trace trap_exit)a

    ask = &:rpc.call(node, :erlang, :process_info, [pid, &1])
    {module, _, _} = :rpc.call(node, :proc_lib, :translate_initial_call, [pid])

    %{
      info: ask.(items),
      dictionary: ask.(:dictionary),
      messages: ask.(:messages),
      stack: ask.(:current_stacktrace),
      module: module,
      behaviour: :rpc.call(node, module, :module_info, [:attributes])[:behaviour],
      status: :rpc.call(node, :sys, :get_status, [pid, 200]),
      state: :rpc.call(node, :sys, :get_state, [pid])
    }
  end

  # What a person would see: the processes, the tree, and the state of one.
  def print(node, app, pid) do
    lines =
      for info <- processes(node) do
        {:etop_proc_info, pid, memory, reductions, name, 0, {m, f, a}, queue} = info
        "#{inspect(pid)} #{inspect(name)} #{memory} #{reductions} #{queue} #{inspect(m)}.#{f}/#{a}"
      end

    {_, {root, _, links, _}} = tree(node, app)
    state = window(node, pid).state
    Enum.join(Enum.sort(lines) ++ branch(root, links, 0) ++ [inspect(state)], "\n")
  end

  def branch(name, links, depth) do
    below = for {^name, child} <- links, line <- branch(child, links, depth + 1), do: line
    [String.duplicate("  ", depth) <> to_string(name) | below]
  end

  defp linked(node, function, args, fun) do
    Process.flag(:trap_exit, true)
    pid = :erlang.spawn_link(node, :observer_backend, function, [self() | args])
    result = fun.(pid)

    receive do
      {:EXIT, ^pid, reason} -> {result, reason}
    after
      5_000 -> {result, :still_alive}
    end
    |> case do
      {result, :normal} -> result
      other -> other
    end
  end

  defp delivered(server, command, about) do
    :gen_server.cast(server, {self(), command, about, true, []})

    receive do
      {:delivery, ^server, ^command, ^about, result} -> result
    after
      5_000 -> :silence
    end
  end
end
