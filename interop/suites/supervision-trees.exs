# The BEAM's side of supervision-trees.interop.ts: supervisors of OTP and Elixir, and children that write to a log what happens
# to them. A tree has one table, which holds the log, who runs under which id, and how often each child was started.
defmodule Forest do
  def play(scenarios) do
    :logger.set_primary_config(:level, :none)
    Process.flag(:trap_exit, true)
    Enum.map(scenarios, &play_one/1)
  end

  defp play_one(%{tree: tree, steps: steps}) do
    table = :ets.new(:forest, [:ordered_set, :public])

    top =
      case supervisor(table, tree) do
        {:ok, pid} -> pid
        {:error, _} -> nil
      end

    seen = [look(table, top, 0, nil)]

    seen =
      Enum.reduce(steps, seen, fn step, seen ->
        before = length(log(table))
        reply = take(table, step)
        settle(table, top)
        [look(table, top, before, reply) | seen]
      end)

    if top && Process.alive?(top), do: Supervisor.stop(top)
    :ets.delete(table)
    Enum.reverse(seen)
  end

  # Start functions.

  def leaf(table, %{id: id, starts: starts}) do
    before = :ets.update_counter(table, {:starts, id}, 1, {{:starts, id}, 0}) - 1
    outcome = Enum.at(starts, before, "ok")
    write(table, "#{outcome} #{id}")

    case outcome do
      "ok" ->
        above = self()
        pid = :proc_lib.start_link(__MODULE__, :leaf_init, [table, id, above])
        :ets.insert(table, [{{:leaf, id}, pid}, {{:ever, pid}, id}])
        {:ok, pid}

      "ignore" ->
        :ignore

      "fail" ->
        {:error, :no_luck}

      "crash" ->
        raise "no luck at all"
    end
  end

  def leaf_init(table, id, above) do
    Process.flag(:trap_exit, true)
    :proc_lib.init_ack(above, self())

    receive do
      {:end, reason} ->
        exit(reason)

      {:EXIT, ^above, reason} ->
        write(table, "stop #{id}")
        exit(reason)
    end
  end

  def supervisor(table, %{id: id} = spec) do
    write(table, "init #{id}")

    started =
      case spec do
        %{kind: "dynamic"} ->
          DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: spec.maxRestarts, max_seconds: spec.maxSeconds)

        %{kind: "supervisor"} ->
          :supervisor.start_link(__MODULE__, {table, spec})
      end

    with {:ok, pid} <- started do
      :ets.insert(table, {{:supervisor, id}, pid, spec.kind})
      {:ok, pid}
    end
  end

  def init({table, spec}) do
    flags = %{
      strategy: String.to_atom(spec.strategy),
      intensity: spec.maxRestarts,
      period: spec.maxSeconds,
      auto_shutdown: String.to_atom(spec.autoShutdown)
    }

    {:ok, {flags, Enum.map(spec.children, &child(table, &1))}}
  end

  defp child(table, %{kind: kind} = spec) do
    common = %{id: spec.id, restart: String.to_atom(spec.restart), significant: spec.significant}

    if kind == "leaf" do
      shutdown = if spec.brutal, do: :brutal_kill, else: 5000
      Map.merge(common, %{start: {__MODULE__, :leaf, [table, spec]}, shutdown: shutdown})
    else
      Map.merge(common, %{start: {__MODULE__, :supervisor, [table, spec]}, type: :supervisor})
    end
  end

  # Steps.

  @reasons %{"normal" => :normal, "shutdown" => :shutdown, "shutdown_tuple" => {:shutdown, 1}, "crash" => :crashed}

  defp take(table, %{op: "end", id: id, reason: reason}) do
    pid = leaf_pid(table, id)
    if reason == "kill", do: Process.exit(pid, :kill), else: send(pid, {:end, @reasons[reason]})
    gone(pid)
  end

  defp take(table, %{op: "kill_supervisor", id: id}) do
    {pid, _} = supervisor_pid(table, id)
    Process.exit(pid, :kill)
    gone(pid)
  end

  defp take(table, %{op: "start_child", supervisor: id, child: spec}) do
    {pid, kind} = supervisor_pid(table, id)
    module = if kind == "dynamic", do: DynamicSupervisor, else: Supervisor
    word(module.start_child(pid, child(table, spec)))
  end

  defp take(table, %{op: op, supervisor: supervisor, id: id}) do
    {pid, kind} = supervisor_pid(table, supervisor)
    id = if kind == "dynamic", do: leaf_pid(table, id), else: id
    module = if kind == "dynamic", do: DynamicSupervisor, else: Supervisor
    word(apply(module, String.to_atom(op), [pid, id]))
  end

  @words [:already_started, :already_present, :not_found, :running, :restarting]

  defp word(:ok), do: "ok"
  defp word(:ignore), do: "ignored"
  defp word({:ok, :undefined}), do: "ignored"
  defp word({:ok, _}), do: "ok"
  defp word({:error, {reason, _}}) when reason in @words, do: to_string(reason)
  defp word({:error, reason}) when reason in @words, do: to_string(reason)
  defp word({:error, _}), do: "failed"

  # Waits until everything that follows from a step has happened: whoever is listed lives, and nobody else does.
  defp settle(table, top) do
    settled =
      if Process.alive?(top) do
        case listed(top) do
          :later -> false
          pids -> Enum.sort(pids) == Enum.sort(for {pid, _} <- living(table), do: pid)
        end
      else
        living(table) == []
      end

    unless settled, do: settle(table, top)
  end

  # The workers below a supervisor, unless something there is under way.
  defp listed(supervisor) do
    Enum.reduce_while(Supervisor.which_children(supervisor), [], fn
      {_, :undefined, _, _}, pids ->
        {:cont, pids}

      {_, :restarting, _, _}, _ ->
        {:halt, :later}

      {_, pid, type, _}, pids ->
        below = if type == :supervisor, do: listed(pid), else: [pid]
        if below == :later or not Process.alive?(pid), do: {:halt, :later}, else: {:cont, below ++ pids}
    end)
  catch
    :exit, _ -> :later
  end

  defp look(table, top, before, reply) do
    alive = top && Process.alive?(top)
    running = if alive, do: Enum.sort(for {_, id} <- living(table), do: id)
    %{log: Enum.drop(log(table), before), reply: if(is_binary(reply), do: reply), running: running}
  end

  defp gone(pid) do
    ref = Process.monitor(pid)
    receive do: ({:DOWN, ^ref, _, _, _} -> nil)
  end

  # Workers of a supervisor that was killed may still live when others have started in their place.
  defp living(table) do
    for [pid, id] <- :ets.match(table, {{:ever, :"$1"}, :"$2"}), Process.alive?(pid), do: {pid, id}
  end

  defp leaf_pid(table, id), do: :ets.lookup_element(table, {:leaf, id}, 2)
  defp supervisor_pid(table, id), do: hd(:ets.lookup(table, {:supervisor, id})) |> Tuple.delete_at(0)
  defp write(table, line), do: :ets.insert(table, {{:log, :erlang.unique_integer([:monotonic])}, line})
  defp log(table), do: List.flatten(:ets.match(table, {{:log, :_}, :"$1"}))
end

nil
