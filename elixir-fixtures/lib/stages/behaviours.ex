defmodule Fixtures.Behaviours do
  @moduledoc """
  Scenarios with stages of which some run on another node: on a BEAM, or on a node that behaves like one.

      defmodule Producers do
        use Fixtures.Behaviours

        behaviour 20, "asks follow each batch", as: [:producer, :consumer] do
          producer = producer(count: 30)
          consumer = consumer()
          subscribe(consumer, producer, max_demand: 10, min_demand: 5)
          [10, 5 | _] = demands(:producer)
        end
      end

  `run/4` runs one of them with the stages of one kind on the other node, and gives all that was seen, as lines that are the same
  from run to run: the callbacks of every stage in their order, and for each pair of processes the messages that a stage on this
  node got. So two runs can be compared, one with the other stages on a BEAM and one with those under test. A scenario
  itself raises (mostly by a match) where something is not as its title says.

  What belongs to a run is in the dictionary of the process that runs it.
  """

  @patience_ms 5_000

  defmacro __using__(_opts) do
    quote do
      import Fixtures.Behaviours
    end
  end

  @doc "Defines a scenario. The option `:as` (the kinds of stages that are put on the other node, one kind per run) and others are for the harness."
  defmacro behaviour(number, title, _opts \\ [], do: body) do
    quote do
      def run(unquote(number), unquote(title)), do: unquote(body)
    end
  end

  @doc "Runs a scenario with all stages of the kind `there` on `node`."
  def run(module, number, title, there: there, node: node) do
    recorder = spawn_link(fn -> record([]) end)
    Process.put(:run, %{recorder: recorder, there: there, node: node})
    Process.put(:stages, [])
    Process.put(:either, [])
    Process.put(:forgetful, false)
    Process.put(:loose, false)

    try do
      module.run(number, title)
      settle()
      lines()
    after
      for {_role, pid} <- Process.get(:stages), do: Process.exit(pid, :kill)
      for {_role, pid} <- Process.get(:stages), do: ended(pid)
      send(recorder, :stop)
    end
  end

  @doc "Starts a producer; options as of `Fixtures.ProbeStage`. `:role` (`:producer`) is its name in what is recorded."
  def producer(opts \\ []), do: start(:producer, :producer, opts)
  @doc "Starts a producer_consumer."
  def middle(opts \\ []), do: start(:middle, :producer_consumer, opts)
  @doc "Starts a consumer."
  def consumer(opts \\ []), do: start(:consumer, :consumer, opts)
  @doc "Starts a ConsumerSupervisor."
  def supervisor(opts \\ []), do: start(:supervisor, :supervisor, opts)

  defp start(kind, type, opts) do
    {:ok, pid} = try_start(kind, type, opts)
    pid
  end

  @doc "What the start of a stage gives, for those that fail."
  def try_start(kind, type, opts) do
    %{recorder: recorder} = Process.get(:run)
    {role, opts} = Keyword.pop(opts, :role, kind)
    arguments = [recorder, role, opts |> Map.new() |> Map.put(:type, type)]
    started = :erpc.call(node_of(kind), Fixtures.ProbeStage, :start, arguments)
    with {:ok, pid} <- started, do: watch(role, pid)
    started
  end

  @doc "Has what a process is called in what is recorded, and that it is ended after the run."
  def watch(role, pid) do
    Process.put(:stages, Process.get(:stages) ++ [{role, pid}])
    Process.put({:monitor, pid}, Process.monitor(pid))
  end

  @doc "The node on which the stages of a kind are."
  def node_of(kind) do
    %{there: there, node: node} = Process.get(:run)
    if kind == there, do: node, else: node()
  end

  @doc "A stage's name as it is known from elsewhere."
  def named(kind, name), do: {name, node_of(kind)}

  def subscribe(consumer, producer, opts \\ []) do
    {:ok, tag} = GenStage.sync_subscribe(consumer, [to: producer] ++ opts)
    tag
  end

  @doc "Has a stage do something; see the requests of `Fixtures.ProbeStage`."
  def tell(stage, request), do: GenStage.call(stage, request)

  @doc "The callbacks of a stage so far, once nothing is under way any more."
  def seen(role) do
    settle()
    for {:entry, ^role, entry} <- recorded(), do: entry
  end

  def batches(role), do: for({:handle_events, events, _from} <- seen(role), do: events)
  def events(role), do: Enum.concat(batches(role))
  def demands(role), do: for({:handle_demand, demand} <- seen(role), do: demand)
  def infos(role), do: for({:handle_info, message} <- seen(role), do: message)
  def cancels(role), do: for({:handle_cancel, reason, _from} <- seen(role), do: reason)
  def children(role), do: for({:child, event, pid} <- seen(role), do: {event, pid})

  @doc """
  In what is recorded the one reason is as good as the other: a process that ends right after it has subscribed may be gone before
  its end can be watched for, which gives `:noproc`.
  """
  def either(reason, other), do: Process.put(:either, [{reason, other} | Process.get(:either)])

  @doc """
  Where events came from is not compared: of those that waited until their subscription was over GenStage no longer knows the
  producer, and says `:pid`.
  """
  def forget_sources, do: Process.put(:forgetful, true)

  @doc """
  Batches and asks are not compared, only the events in their order: where several stages run at the same time their sizes depend on
  who is faster.
  """
  def loosely, do: Process.put(:loose, true)

  @doc """
  As `loosely/0`, and the order of what is left does not count either: for flows, whose stages start side by side.
  """
  def unordered, do: Process.put(:loose, :unordered)

  @doc "Runs a function in a process of its own: `{:ok, value}`, or `{:exit, reason}`."
  def apart(function) do
    caller = self()
    {pid, monitor} = spawn_monitor(fn -> send(caller, {:apart, self(), function.()}) end)

    receive do
      {:apart, ^pid, value} ->
        Process.demonitor(monitor, [:flush])
        {:ok, value}

      {:DOWN, ^monitor, :process, ^pid, reason} ->
        {:exit, reason}
    after
      @patience_ms ->
        Process.exit(pid, :kill)
        raise "it takes too long"
    end
  end

  @doc "The subscriptions of a stage to its producers, oldest first, as `{peer, tag}`."
  def subscriptions(role), do: for({:handle_subscribe, :producer, _opts, from} <- seen(role), do: from)

  @doc "Waits until a stage has ended, and gives the reason."
  def ended(pid) do
    monitor = Process.get({:monitor, pid})

    case Process.get({:ended, pid}) do
      nil ->
        receive do
          {:DOWN, ^monitor, :process, _pid, reason} -> note_end(pid, reason)
        after
          @patience_ms -> raise "#{inspect(pid)} lives on"
        end

      {:reason, reason} ->
        reason
    end
  end

  @doc "Whether a stage lives once nothing is under way any more."
  def lives?(pid) do
    settle()
    ended?(pid) == false
  end

  defp ended?(pid) do
    monitor = Process.get({:monitor, pid})

    receive do
      {:DOWN, ^monitor, :process, _pid, reason} -> note_end(pid, reason)
    after
      0 -> :ok
    end

    Process.get({:ended, pid}) != nil
  end

  # What else its end has sent is on the same link: an answer from over there comes behind all of it.
  defp note_end(pid, reason) do
    if node(pid) != node() and reason != :noconnection, do: Node.ping(node(pid))
    Process.put({:ended, pid}, {:reason, reason})
    reason
  end

  @doc "The next message of a stage to this process."
  def got do
    receive do
      {kind, {_pid, _tag}, _operation} = message when kind in [:"$gen_producer", :"$gen_consumer"] -> message
    after
      @patience_ms -> raise "no message of a stage"
    end
  end

  @doc "That no message of a stage has come to this process, now that nothing is under way any more."
  def got_nothing do
    settle()

    receive do
      {kind, {_pid, _tag}, _operation} = message when kind in [:"$gen_producer", :"$gen_consumer"] ->
        raise "got #{inspect(message)}"
    after
      0 -> true
    end
  end

  @doc "Speaks to a stage as its consumer would, in the name of this process."
  def to_producer(stage, tag, operation), do: send(stage, {:"$gen_producer", {self(), tag}, operation})
  @doc "Speaks to a stage as its producer would."
  def to_consumer(stage, tag, payload), do: send(stage, {:"$gen_consumer", {self(), tag}, payload})

  @doc "Loses the connection to the other node, and makes it anew once both sides know."
  def cut do
    %{node: node} = Process.get(:run)
    there = for {_role, pid} <- Process.get(:stages), node(pid) == node, not ended?(pid), do: pid
    true = :erlang.disconnect_node(node)

    for pid <- there do
      monitor = Process.get({:monitor, pid})
      receive(do: ({:DOWN, ^monitor, :process, ^pid, :noconnection} -> :ok))
    end

    until(fn -> Node.connect(node) end)

    for {_role, pid} <- Process.get(:stages),
        node(pid) == node,
        do: Process.put({:monitor, pid}, Process.monitor(pid))
  end

  @doc "Has another process of a name pass on to a producer what it gets: who keeps to the name is seen there."
  def front(producer, name) do
    front = spawn(fn -> pass_on(producer, []) end)
    Process.register(front, name)
    watch(:runner, front)
    front
  end

  @doc "The operations that a front has passed on."
  def passed(front) do
    send(front, {:passed, self()})
    receive(do: ({:passed, operations} -> operations))
  end

  defp pass_on(producer, passed) do
    receive do
      {:passed, asker} ->
        send(asker, {:passed, Enum.reverse(passed)})
        pass_on(producer, passed)

      {:"$gen_producer", _from, operation} = message ->
        send(producer, message)
        pass_on(producer, [operation | passed])
    end
  end

  @doc "What is recorded once it has the property."
  def await(role, property) do
    until(fn -> property.(for({:entry, ^role, entry} <- recorded(), do: entry)) end)
  end

  @doc "Tries until it is true."
  def until(condition), do: Interop.Control.until(condition, @patience_ms)

  @doc """
  Waits until nothing is under way between the stages: a message has gone round them twice, from each to each, without anything
  new having been recorded. Signals between two processes keep their order.
  """
  def settle, do: settle(length(recorded()), 0)

  defp settle(_count, 2), do: :ok

  defp settle(count, rounds) do
    live = for {_role, pid} <- Process.get(:stages), not ended?(pid), do: pid
    # Supervisors pass nothing on.
    stages = Enum.filter(live, &relays?/1)
    for one <- stages, do: relay([one])
    relay(for one <- stages, other <- stages, one != other, pid <- [one, other], do: pid)

    case length(recorded()) do
      ^count -> settle(count, rounds + 1)
      more -> settle(more, 0)
    end
  end

  defp relays?(pid) do
    {role, _pid} = List.keyfind(Process.get(:stages), pid, 1)
    role not in [:supervisor, :runner]
  end

  defp relay([]), do: :ok

  defp relay([first | rest] = pids) do
    round = make_ref()
    send(first, {:relay, rest ++ [self()], round})
    relayed(round, pids, 250)
  end

  defp relayed(_round, _pids, 0), do: raise("a stage does not answer")

  defp relayed(round, pids, patience) do
    receive do
      ^round -> :ok
    after
      # One that ended on the way passes nothing on.
      20 -> unless Enum.any?(pids, &ended?/1), do: relayed(round, pids, patience - 1)
    end
  end

  defp recorded do
    %{recorder: recorder} = Process.get(:run)
    for {_role, pid} <- Process.get(:stages), node(pid) == node(), do: delivered(pid)
    send(recorder, {:recorded, self()})
    receive(do: ({:recorded, entries} -> entries))
  end

  # Until then what a process has got is not known to whom traces it.
  defp delivered(pid) do
    ref = :erlang.trace_delivered(pid)
    receive(do: ({:trace_delivered, ^pid, ^ref} -> :ok))
  end

  defp record(entries) do
    receive do
      {:recorded, asker} ->
        send(asker, {:recorded, Enum.reverse(entries)})
        record(entries)

      {:entry, _role, _entry} = entry ->
        record([entry | entries])

      {:trace, pid, :receive, {kind, {from, _tag}, _operation} = message}
      when kind in [:"$gen_producer", :"$gen_consumer"] ->
        record([{:got, pid, from, message} | entries])

      {:trace, pid, :receive, {:DOWN, _monitor, :process, from, _reason} = message} ->
        record([{:got, pid, from, message} | entries])

      :stop ->
        :ok

      _other ->
        record(entries)
    end
  end

  # Pids become roles, nodes "here" and "there", references numbers within each list.
  defp lines do
    known = Map.new(Process.get(:stages), fn {role, pid} -> {pid, role} end) |> Map.put(self(), :driver)
    children = for {:entry, _role, {:child, event, pid}} <- recorded(), into: %{}, do: {pid, {:child, event}}
    known = Map.merge(children, known)

    entries = recorded()
    callbacks = for {:entry, role, entry} <- entries, do: {role, entry}
    got = for {:got, pid, from, message} <- entries, not lost?(message), do: {{:got, pid, from}, message}

    ends =
      for {role, pid} <- Process.get(:stages),
          ended?(pid),
          do: {{:ended, role}, chosen(elem(Process.get({:ended, pid}), 1))}

    (callbacks ++ got ++ ends)
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    |> Enum.flat_map(fn {key, list} ->
      Process.put(:refs, %{})

      for entry <- joined(list) do
        shown = inspect(alike(plain(entry, known)), limit: :infinity, charlists: :as_lists)
        "#{inspect(plain(key, known))}: #{shown}"
      end
    end)
    |> Enum.chunk_by(&hd(String.split(&1, ": ")))
    |> Enum.sort_by(&hd(String.split(hd(&1), ": ")))
    |> Enum.concat()
    |> (&if(Process.get(:loose) == :unordered, do: Enum.sort(&1), else: &1)).()
  end

  defp joined(list) do
    if Process.get(:loose) do
      flow? = &(match?({:handle_demand, _}, &1) or match?({_, _, {:ask, _}}, &1) or events_in(&1) != nil)
      {flow, rest} = Enum.split_with(list, flow?)
      events = Enum.flat_map(flow, &(events_in(&1) || []))

      if Process.get(:loose) == :unordered,
        do: [{:events, Enum.sort(events)} | rest],
        else: [{:events, events} | rest]
    else
      list
    end
  end

  defp events_in({:handle_events, events, _from}), do: events
  defp events_in({:"$gen_consumer", _from, events}) when is_list(events), do: events
  defp events_in(_entry), do: nil

  # It is sent after the connection is lost, and arrives only where that has been made anew in the meantime.
  defp lost?(message), do: match?({:"$gen_consumer", _from, {:cancel, :noconnection}}, message)

  defp alike({:DOWN, monitor, :process, pid, reason}), do: {:DOWN, monitor, :process, pid, chosen(reason)}
  defp alike({:handle_cancel, {:down, reason}, from}), do: {:handle_cancel, {:down, chosen(reason)}, from}

  defp alike({:handle_events, events, {_peer, tag}} = entry) do
    if Process.get(:forgetful), do: {:handle_events, events, tag}, else: entry
  end

  defp alike(entry), do: entry

  defp chosen(reason), do: elem(List.keyfind(Process.get(:either), reason, 0, {reason, reason}), 1)

  # The state of a stage is its own affair.
  defp plain({:bad_return_value, {returned, %{role: _, recorder: _}}}, _known),
    do: {:bad_return_value, returned}

  defp plain(pid, known) when is_pid(pid), do: Map.get(known, pid, :pid)
  defp plain(list, known) when is_list(list), do: Enum.map(list, &plain(&1, known))

  defp plain(fun, _known) when is_function(fun),
    do: if(:erlang.fun_info(fun, :type) == {:type, :external}, do: fun, else: :fun)

  defp plain(%{__struct__: _} = struct, _known), do: struct

  defp plain(%{} = map, known),
    do: Map.new(map, fn {key, value} -> {plain(key, known), plain(value, known)} end)

  defp plain(tuple, known) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> Enum.map(&plain(&1, known)) |> List.to_tuple()

  defp plain(ref, _known) when is_reference(ref) do
    refs = Process.get(:refs)
    number = Map.get(refs, ref, map_size(refs) + 1)
    Process.put(:refs, Map.put(refs, ref, number))
    if Process.get(:loose) == :unordered, do: :ref, else: {:ref, number}
  end

  defp plain(atom, _known) when is_atom(atom) do
    cond do
      atom == node() -> :here
      atom == Process.get(:run).node -> :there
      true -> atom
    end
  end

  defp plain(other, _known), do: other
end
