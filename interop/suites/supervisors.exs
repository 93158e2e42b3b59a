# The BEAM's side of supervisors.interop.ts: the same children under a supervisor of Elixir's and under one of ours, and the
# same things done to both. Defined once in each BEAM.
defmodule Tree do
  # A child that does nothing. Its starts are counted by id.
  def leaf(id) do
    :ets.update_counter(:starts, id, 1, {id, 0})
    {:ok, spawn_link(fn -> Process.sleep(:infinity) end)}
  end

  def broken(reason), do: {:error, reason}

  # Both supervisors, empty: {Elixir's, ours}.
  def both(node, options) do
    {theirs, _} = {elem(Supervisor.start_link([], options), 1), Process.flag(:trap_exit, true)}
    {theirs, :erpc.call(node, :tree, :start, [Atom.to_string(options[:strategy]), options[:max_restarts]])}
  end

  # Does one thing to both, and gives what each replied, without its pids.
  def on_both({theirs, ours}, what), do: {plain(what.(theirs, Tree)), plain(what.(ours, :tree))}

  def spec(module, id, restart), do: %{id: id, start: {module, :leaf, [id]}, restart: restart}

  def children(sup), do: Supervisor.which_children(sup)

  # Kills the child of that id in both, and waits until both supervisors know.
  def kill(sups, id, reason) do
    on_both(sups, fn sup, _ ->
      {_, pid, _, _} = List.keyfind(children(sup), id, 0)
      Process.exit(pid, reason)
      gone(sup, pid)
    end)
  end

  def gone(sup, pid) do
    if Enum.any?(children(sup), &(elem(&1, 1) == pid)), do: gone(sup, pid), else: children(sup)
  end

  def running({theirs, _}), do: for({id, pid, _, _} <- children(theirs), is_pid(pid), do: id)

  # Random operations until there were that many kills: how many were done, and the first in which the two differ.
  def compare(sups, kills, done \\ 0)
  def compare(_sups, 0, done), do: {done, nil}

  def compare(sups, kills, done) do
    id = Enum.random([:a, :b, :c, :d, :e])
    running = running(sups)

    {operation, replies} =
      case :rand.uniform(10) do
        n when n <= 6 and running != [] ->
          {victim, reason} = {Enum.random(running), Enum.random([:kill, :boom, :shutdown, {:shutdown, 1}])}
          {{:kill, victim, reason}, kill(sups, victim, reason)}

        7 ->
          {{:terminate, id}, on_both(sups, fn sup, _ -> Supervisor.terminate_child(sup, id) end)}

        8 ->
          {{:restart, id}, on_both(sups, fn sup, _ -> Supervisor.restart_child(sup, id) end)}

        9 ->
          {{:delete, id}, on_both(sups, fn sup, _ -> Supervisor.delete_child(sup, id) end)}

        _ ->
          restart = Enum.random([:permanent, :permanent, :transient, :temporary])
          {{:start, id, restart}, on_both(sups, fn sup, m -> Supervisor.start_child(sup, spec(m, id, restart)) end)}
      end

    {a, b} = on_both(sups, fn sup, _ -> {children(sup), Supervisor.count_children(sup)} end)

    cond do
      elem(replies, 0) != elem(replies, 1) or a != b -> {done, {operation, replies, a, b}}
      elem(operation, 0) == :kill -> compare(sups, kills - 1, done + 1)
      true -> compare(sups, kills, done + 1)
    end
  end

  # Kills the leaf below two supervisors until the upper one has ended: how many kills that took.
  def kills_until_end(top, kills \\ 0) do
    with true <- kills < 50,
         [{_, sup, _, _}] when is_pid(sup) <- children(top),
         [{_, leaf, _, _}] when is_pid(leaf) <- children(sup) do
      Process.exit(leaf, :kill)
      wait_until_gone(leaf, sup, top)
      kills_until_end(top, kills + 1)
    end
  catch
    :exit, _ -> kills
  end

  defp wait_until_gone(leaf, sup, top) do
    # The last kill ends the upper one, too.
    case children_of(top) do
      [{_, ^sup, _, _}] ->
        left = children_of(sup)
        if Enum.any?(left, &(elem(&1, 1) == leaf)), do: wait_until_gone(leaf, sup, top)

      _ ->
        :ok
    end
  end

  # None when it has ended.
  defp children_of(sup) do
    children(sup)
  catch
    :exit, _ -> []
  end

  # Pids, modules and the supervisor's own stack made the same, which can only differ.
  def plain(pid) when is_pid(pid), do: :pid
  def plain(:tree), do: Tree
  def plain({:EXIT, {:undef, [missing | _]}}), do: {:EXIT, {:undef, [plain(missing)]}}
  def plain(list) when is_list(list), do: Enum.map(list, &plain/1)
  def plain(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> plain() |> List.to_tuple()
  def plain(map) when is_map(map), do: map |> Map.to_list() |> plain() |> Map.new()
  def plain(other), do: other
end

spawn(fn ->
  :ets.new(:starts, [:named_table, :public])
  Process.sleep(:infinity)
end)

nil
