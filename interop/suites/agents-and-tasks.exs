# The BEAM's side of agents-and-tasks.interop.ts: the same things done to Elixir's own agents, tasks, registries and partition
# supervisors, and to ours. Defined once in each BEAM.
defmodule Sums do
  # What both nodes have under this name; an agent calls it with its state first.
  def plus(state, n), do: state + n
  def take(state, n), do: {state, state - n}
  def odd(_state), do: :odd
  def leave(_state, reason), do: exit(reason)
  def hurl(_state, value), do: throw(value)

  def double(n), do: n * 2
  def slowly(n, ms), do: Process.sleep(ms) && n
  def whose(n), do: {n, node()}
end

defmodule Agents do
  # What comes of a call, with the exit of one that fails. Only the first part of a stack is the same for everybody.
  def outcome(call) do
    call.()
  catch
    :exit, {reason, {module, function, _}} -> {:exit, plain(reason), {module, function}}
    :exit, reason -> {:exit, plain(reason)}
  end

  # Without stacks, and without pids.
  def plain({:undef, [{m, f, a, _} | _]}), do: {:undef, {m, f, a}}
  def plain({reason, [{_, _, _, _} | _]}), do: {reason, :stack}
  def plain({{:nocatch, value}, []}), do: {{:nocatch, value}, :stack}
  def plain(other), do: other

  # A fresh agent for each; `start` gives one that begins with 10.
  def calls do
    [
      fn a -> Agent.get(a, Sums, :plus, [5]) end,
      fn a -> {Agent.update(a, Sums, :plus, [5]), Agent.get(a, Sums, :plus, [0])} end,
      fn a -> {Agent.get_and_update(a, Sums, :take, [3]), Agent.get(a, Sums, :plus, [0])} end,
      fn a -> {Agent.cast(a, Sums, :plus, [1]), Agent.get(a, Sums, :plus, [0])} end,
      fn a -> {Agent.update(a, Sums, :plus, [1]), :sys.get_state(a)} end,
      fn a ->
        :ok = :sys.log(a, true)
        for op <- [:update, :cast, :get], do: apply(Agent, op, [a, Sums, :plus, [1]])
        {:ok, log} = :sys.log(a, :get)
        Enum.map(log, &elem(&1, 0))
      end,
      fn a -> Agent.get_and_update(a, Sums, :odd, []) end,
      fn a -> Agent.get(a, Sums, :leave, [:gone]) end,
      fn a -> Agent.get(a, Sums, :leave, [:normal]) end,
      fn a -> Agent.get(a, Sums, :missing, [1]) end,
      fn a -> Agent.get(a, Sums, :slowly, [500], 50) end,
      fn a -> Agent.stop(a) end,
      fn a -> Agent.stop(a, {:shutdown, 1}) end,
      fn a -> {Agent.stop(a), outcome(fn -> Agent.get(a, Sums, :plus, [1]) end)} end,
      fn a -> {GenServer.whereis(a) && :ok, outcome(fn -> Agent.update(a, Sums, :leave, [{:shutdown, :x}]) end)} end
    ]
  end
end

defmodule Registering do
  # Random operations of four processes on a registry of Elixir's, each with what it gave, for the others to do them as well.
  def operations(keys, count) do
    {:ok, _} = Registry.start_link(keys: keys, name: Carts)
    procs = for who <- [:a, :b, :c, :d], into: %{}, do: {who, elem(Agent.start(fn -> nil end), 1)}

    {operations, _} =
      Enum.map_reduce(1..count, procs, fn _, procs ->
        {who, pid} = Enum.random(procs)
        key = Enum.random([:x, "x", 1, 1.0, {:y, [2]}])
        value = :rand.uniform(3)

        case :rand.uniform(9) do
          1 ->
            ref = Process.monitor(pid)
            Agent.stop(pid)
            receive do: ({:DOWN, ^ref, _, _, _} -> :ok)
            {:ok, again} = Agent.start(fn -> nil end)
            settled(pid)
            {[:end, who, nil, nil, nil], %{procs | who => again}}

          n ->
            operation = Enum.at([:register, :register, :register, :unregister, :match, :update, :keys, :values], n - 2)
            result = Agent.get(pid, fn _ -> run(operation, key, value, keys) end)
            names = Map.new(procs, fn {who, pid} -> {pid, who} end)
            {[operation, who, key, value, {named(result, names), state(key, names)}], procs}
        end
      end)

    Supervisor.stop(Carts)
    operations
  end

  defp run(:register, key, value, _), do: with({:ok, _} <- Registry.register(Carts, key, value), do: :ok)
  defp run(:unregister, key, _, _), do: Registry.unregister(Carts, key)
  defp run(:match, key, value, _), do: Registry.unregister_match(Carts, key, value)
  defp run(:update, key, value, :unique), do: Registry.update_value(Carts, key, &(&1 + value))
  defp run(:update, _, _, _), do: :error
  defp run(:keys, _, _, _), do: Enum.sort_by(Registry.keys(Carts, self()), &inspect/1)
  defp run(:values, key, _, _), do: for({pid, value} <- Registry.lookup(Carts, key), pid == self(), do: value)

  defp state(key, names), do: {Registry.count(Carts), named(Registry.lookup(Carts, key), names)}

  # Elixir's registry forgets a process when it has got its exit: first its keys, then its entries.
  defp settled(pid) do
    owners = Registry.select(Carts, [{{:_, :"$1", :_}, [], [:"$1"]}])
    if Registry.keys(Carts, pid) != [] or pid in owners, do: settled(pid)
  end

  defp named(pid, names) when is_pid(pid), do: names[pid]
  defp named(list, names) when is_list(list), do: Enum.map(list, &named(&1, names))
  defp named(tuple, names) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> named(names) |> List.to_tuple()
  defp named(other, _), do: other
end

nil
