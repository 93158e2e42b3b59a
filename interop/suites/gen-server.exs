# The BEAM's side of gen-server.interop.ts: a GenServer that does what it is told, the twin of the one in TypeScript, and the
# same things done to both. Defined once in each BEAM.
defmodule Twin do
  use GenServer

  # Started by a parent of its own, with a link: {twin, parent}.
  def start(observer, trap) do
    {:ok, parent} = Twin.Parent.start(observer, trap)
    {GenServer.call(parent, :child), parent}
  end

  @impl true
  def init({observer, trap}) do
    Process.flag(:trap_exit, trap)
    {:ok, %{observer: observer, last: nil, then: nil}}
  end

  @impl true
  def handle_call(:ping, _from, state), do: {:reply, :pong, state}
  def handle_call({:stop_reply, reason}, _from, state), do: {:stop, reason, :bye, state}
  def handle_call({:last, what}, _from, state), do: {:reply, :ok, %{state | last: what}}
  def handle_call({:continue, what}, _from, state), do: {:reply, :ok, state, {:continue, what}}
  def handle_call({:timeout, what}, _from, state), do: {:reply, :ok, %{state | then: what}, 0}
  def handle_call({:hibernate, what}, _from, state), do: {:reply, :ok, %{state | then: what}, :hibernate}

  def handle_call({:link, pid}, _from, state) do
    Process.link(pid)
    {:reply, :ok, state}
  end

  def handle_call({:later, what}, from, state) do
    GenServer.reply(from, :early)
    perform(what, state)
  end

  def handle_call(what, _from, state), do: perform(what, state)

  @impl true
  def handle_cast(what, state), do: perform(what, state)

  @impl true
  def handle_continue(what, state), do: perform(what, state)

  @impl true
  def handle_info(:timeout, state), do: perform(state.then, state)

  def handle_info({:EXIT, _from, reason}, state) do
    send(state.observer, {:event, self(), {:info, reason}})
    {:noreply, state}
  end

  def handle_info(what, state), do: perform(what, state)

  @impl true
  def terminate(reason, state) do
    send(state.observer, {:event, self(), {:terminate, reason}})
    unless state.last == nil, do: perform(state.last, state)
  end

  defp perform({:stop, reason}, state), do: {:stop, reason, state}
  defp perform({:exit, reason}, _state), do: exit(reason)
  defp perform({:bad, value}, _state), do: value
  defp perform(:raise, _state), do: raise("boom")
  defp perform(:nothing, state), do: {:noreply, state}
end

defmodule Twin.Parent do
  use GenServer

  def start(observer, trap), do: GenServer.start(__MODULE__, {observer, trap})

  @impl true
  def init(args), do: GenServer.start_link(Twin, args)

  @impl true
  def handle_call(:child, _from, child), do: {:reply, child, child}

  @impl true
  def handle_cast({:exit, reason}, child), do: {:stop, reason, child}
end

defmodule Ends do
  @reasons [:normal, :shutdown, {:shutdown, 1}, :foo, :kill]
  @performed [{:stop, :normal}, {:stop, :shutdown}, {:stop, :foo}, {:exit, :normal}, {:exit, :foo}, :raise, {:bad, 1}]

  # Everything that can end a server, or might: {what, fun of the twin and its parent}.
  def all do
    for(r <- @reasons, do: {{:exit_signal, r}, fn pid, _ -> Process.exit(pid, r) end}) ++
      for(r <- @reasons, do: {{:exit_of_parent, r}, fn _, parent -> Process.exit(parent, r) end}) ++
      for(r <- @reasons, do: {{:stop_of_parent, r}, fn _, parent -> GenServer.cast(parent, {:exit, r}) end}) ++
      for(r <- @reasons, do: {{:exit_of_linked, r}, fn pid, _ -> exit_of_linked(pid, r) end}) ++
      for(r <- @reasons, do: {{:stopped, r}, fn pid, _ -> GenServer.stop(pid, r, 1_000) end}) ++
      for(r <- [:normal, :foo], do: {{:stop_reply, r}, &call(&1, &2, {:stop_reply, r})}) ++
      for(what <- @performed, do: {{:call, what}, &call(&1, &2, what)}) ++
      for(what <- @performed, do: {{:replied, what}, &call(&1, &2, {:later, what})}) ++
      for(what <- @performed, do: {{:cast, what}, fn pid, _ -> GenServer.cast(pid, what) end}) ++
      for(what <- @performed, do: {{:info, what}, fn pid, _ -> send(pid, what) end}) ++
      for(what <- @performed, do: {{:continue, what}, &call(&1, &2, {:continue, what})}) ++
      for(what <- @performed, do: {{:timeout, what}, &call(&1, &2, {:timeout, what})}) ++
      for(what <- [:raise, {:exit, :bar}, {:bad, 1}], do: {{:last, what}, fn pid, _ -> stop_with_last(pid, what) end}) ++
      [{:hibernate, &call(&1, &2, {:hibernate, :nothing})}]
  end

  # Does each to the twin there and to the one here: what differs, how many were done, and in how many `terminate` ran.
  def compare(start) do
    results =
      for {what, act} <- all(), trap <- [false, true] do
        {{what, trap}, outcome(&Twin.start/2, act, trap), outcome(start, act, trap)}
      end

    differing = for {what, theirs, ours} <- results, theirs != ours, do: {what, theirs, ours}
    terminated = Enum.count(results, fn {_, {_, events, _}, _} -> List.keymember?(events, :terminate, 0) end)
    {differing, length(results), terminated}
  end

  # What the one who did it saw, what the twin told of, and how it ended, if it did.
  defp outcome(start, act, trap) do
    {pid, parent} = start.(self(), trap)
    ref = Process.monitor(pid)

    seen =
      try do
        plain(act.(pid, parent))
      catch
        :exit, {reason, {GenServer, function, _}} -> {:exit, plain(reason), function}
      end

    ended =
      receive do
        {:DOWN, ^ref, _, _, reason} -> plain(reason)
      after
        150 -> {:alive, GenServer.call(pid, :ping)}
      end

    Process.demonitor(ref, [:flush])
    for victim <- [pid, parent], do: Process.exit(victim, :kill)
    {seen, events(pid), ended}
  end

  defp events(pid) do
    receive do
      {:event, ^pid, {kind, reason}} -> [{kind, plain(reason)} | events(pid)]
    after
      0 -> []
    end
  end

  defp call(pid, _parent, request), do: GenServer.call(pid, request, 1_000)

  defp exit_of_linked(pid, reason) do
    linked = spawn(fn -> receive do: (:go -> exit(reason)) end)
    :ok = GenServer.call(pid, {:link, linked})
    send(linked, :go)
    :sent
  end

  defp stop_with_last(pid, what) do
    :ok = GenServer.call(pid, {:last, what})
    GenServer.stop(pid, :foo, 1_000)
  end

  # Without what has to differ: exceptions have other messages and stacks, and no pid is that of another.
  defp plain({%RuntimeError{}, [{_, _, _, _} | _]}), do: :raised
  defp plain({reason, {:sys, :terminate, _}}), do: {plain(reason), :sys}
  defp plain(pid) when is_pid(pid), do: :pid
  defp plain(term), do: term
end

defmodule Asker do
  use GenServer

  # Asks the server of ours on behalf of another, and ends with it.
  @impl true
  def init(target), do: {:ok, target}

  @impl true
  def handle_cast(request, target), do: {:noreply, GenServer.call(target, request)}
end
