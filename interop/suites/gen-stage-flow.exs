defmodule Flows do
  use Fixtures.Behaviours

  # GenStage.stream

  behaviour 170, "a stream takes what it wants, and leaves no message behind", as: [:producer] do
    loosely()
    producer = producer(count: :forever)

    {:ok, {taken, left}} =
      apart(fn ->
        taken = GenStage.stream([{producer, max_demand: 6}]) |> Enum.take(10)
        {taken, Process.info(self(), :messages)}
      end)

    {[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], {:messages, []}} = {taken, left}
  end

  behaviour 171, "a stream of 100 at a time gives 300", as: [:producer] do
    loosely()
    producer = producer(count: :forever)
    {:ok, taken} = apart(fn -> GenStage.stream([{producer, max_demand: 100}]) |> Enum.take(300) end)
    ^taken = Enum.to_list(0..299)
  end

  behaviour 173, "a stream of a dead producer exits with noproc", as: [:producer] do
    producer = producer()
    Process.exit(producer, :kill)
    :killed = ended(producer)

    {:exit, {:noproc, {GenStage, :close_stream, _}}} =
      apart(fn -> Enum.take(GenStage.stream([producer]), 1) end)
  end

  behaviour 173, "and so does one of a name that nobody has there", as: [:producer] do
    name = named(:producer, :nobody_there)
    {:exit, {:noproc, {GenStage, :close_stream, _}}} = apart(fn -> Enum.take(GenStage.stream([name]), 1) end)
  end

  behaviour 175, "a temporary one is empty then", as: [:producer] do
    name = named(:producer, :nobody_there)
    {:ok, []} = apart(fn -> Enum.take(GenStage.stream([{name, cancel: :temporary}]), 1) end)
  end

  behaviour 176, "a producer without an end lives on when ten were taken", as: [:producer] do
    producer = producer(count: :forever)
    {:ok, taken} = apart(fn -> GenStage.stream([{producer, cancel: :transient}]) |> Enum.take(10) end)
    10 = length(taken)
    true = lives?(producer)
  end

  behaviour 177, "a transient stream of a producer with an end gives all of it", as: [:producer] do
    loosely()
    producer = producer(count: 1200, at_end: :stop)
    {:ok, taken} = apart(fn -> GenStage.stream([{producer, cancel: :transient}]) |> Enum.to_list() end)
    ^taken = Enum.to_list(0..1199)
    :normal = ended(producer)
  end

  behaviour 178, "a permanent stream exits with the end of its producer", as: [:producer] do
    loosely()
    producer = producer(count: 10, at_end: :stop, demand: :accumulate)

    {:exit, {:normal, {GenStage, :close_stream, _}}} =
      apart(fn -> Enum.to_list(GenStage.stream([producer])) end)
  end

  behaviour 182, "a stream that is left cancels with normal", as: [:producer] do
    producer = producer(count: :forever)
    {:ok, [0, 1]} = apart(fn -> GenStage.stream([{producer, max_demand: 4}]) |> Enum.take(2) end)
    [{:cancel, :normal}] = cancels(:producer)
  end

  behaviour 231, "a stream by name and node asks at the name", as: [:producer] do
    loosely()
    producer(name: :probe_named, count: 40, at_end: :stop, demand: :accumulate)
    to = named(:producer, :probe_named)
    {:ok, taken} = apart(fn -> Enum.to_list(GenStage.stream([{to, cancel: :transient, max_demand: 4}])) end)
    ^taken = Enum.to_list(0..39)
  end

  # A producer there feeds a flow

  behaviour 211, "a flow over a running producer gives what it is asked for", as: [:producer] do
    unordered()

    flows = [
      plain: & &1,
      filter: &Flow.filter(&1, fn n -> rem(n, 2) == 0 end),
      flat_map: &Flow.flat_map(&1, fn n -> [n, n] end),
      map: &Flow.map(&1, fn n -> n * 2 end),
      reject: &Flow.reject(&1, fn n -> rem(n, 2) == 0 end),
      chained: &(&1 |> Flow.map(fn n -> n + 1 end) |> Flow.filter(fn n -> n > 3 end))
    ]

    for {name, flow} <- flows do
      producer = producer(role: name, count: :forever)
      expected = Flow.from_enumerable(0..20, stages: 1) |> flow.() |> Enum.take(5)

      {:ok, taken} =
        apart(fn -> Flow.from_stages([producer], stages: 1, max_demand: 10) |> flow.() |> Enum.take(5) end)

      ^expected = taken
      until(fn -> match?([_ | _], cancels(name)) end)
    end
  end

  behaviour 212, "a producer that a child spec gives feeds a flow", as: [:producer] do
    unordered()
    producer = producer(count: 100, at_end: :stop, demand: :accumulate)

    {:ok, results} =
      apart(fn ->
        Flow.from_specs([given(producer)], stages: 2, max_demand: 10) |> Flow.map(&(&1 * 2)) |> Enum.sort()
      end)

    true = results == for(n <- 0..99, do: n * 2)
    :normal = ended(producer)
  end

  # The Flow of before ends whoever runs it.
  behaviour 212, "a flow is empty where the start of its producer says ignore", as: [:producer], since: 25 do
    start = [self(), :producer, %{type: :producer, ignored: true}]

    spec = %{
      id: :ignored,
      start: {:erpc, :call, [node_of(:producer), Fixtures.ProbeStage, :start, start]}
    }

    {:ok, []} = apart(fn -> Flow.from_specs([spec]) |> Enum.to_list() end)
  end

  behaviour 213, "a flow over a producer with an end gives all of it, and ends", as: [:producer] do
    unordered()
    producer = producer(count: 100, at_end: :stop, demand: :accumulate)

    {:ok, results} =
      apart(fn -> Flow.from_stages([producer], stages: 2) |> Flow.map(&(&1 * 2)) |> Enum.to_list() end)

    true = Enum.sort(results) == for(n <- 0..99, do: n * 2)
    :normal = ended(producer)
  end

  behaviour 214, "with partition and reduce each partition gives its state once", as: [:producer] do
    unordered()
    producer = producer(count: 100, at_end: :stop, demand: :accumulate)

    {:ok, results} =
      apart(fn ->
        Flow.from_stages([producer], stages: 2)
        |> Flow.partition(stages: 3)
        |> Flow.reduce(fn -> %{} end, fn n, counts -> Map.update(counts, rem(n, 7), 1, &(&1 + 1)) end)
        |> Enum.to_list()
      end)

    100 = results |> Enum.map(&elem(&1, 1)) |> Enum.sum()
  end

  behaviour 216, "a producer that crashes takes the flow along", as: [:producer] do
    unordered()
    producer = producer(count: 3)

    runner =
      spawn(fn ->
        Flow.from_stages([producer], stages: 1) |> Flow.map(& &1) |> Stream.run()
      end)

    watch(:runner, runner)
    await(:producer, &match?([_, {:handle_demand, _} | _], &1))
    tell(producer, {:stop, :boom})
    true = ended(runner) != :normal
  end

  behaviour 217, "a producer that accumulates is told to forward when the flow stands", as: [:producer] do
    unordered()
    producer = producer(count: 10, at_end: :stop, demand: :accumulate)

    {:ok, results} =
      apart(fn -> Flow.from_stages([producer], stages: 3) |> Flow.map(& &1) |> Enum.to_list() end)

    true = Enum.sort(results) == Enum.to_list(0..9)
    3 = length(for {:handle_subscribe, :consumer, _, _} <- seen(:producer), do: 1)
  end

  behaviour 218, "the options of a flow come with its subscriptions, functions too", as: [:producer] do
    unordered()
    producer = producer(count: 10, at_end: :stop, demand: :accumulate)

    {:ok, results} =
      apart(fn ->
        Flow.from_stages([producer], stages: 2, max_demand: 7, hash: fn n -> {n, 0} end, key: & &1)
        |> Flow.map(& &1)
        |> Enum.to_list()
      end)

    10 = length(results)

    for {:handle_subscribe, :consumer, options, _from} <- seen(:producer) do
      {:transient, 7} = {options[:cancel], options[:max_demand]}
      true = options[:partition] in [0, 1]
    end
  end

  behaviour 230, "a flow over two producers gives what both have, once", as: [:producer] do
    unordered()
    first = producer(role: :first, count: 50, at_end: :stop, demand: :accumulate)
    second = producer(role: :second, count: 50, at_end: :stop, demand: :accumulate)

    {:ok, results} =
      apart(fn ->
        Flow.from_stages([first, second], stages: 2)
        |> Flow.partition(stages: 2)
        |> Flow.reduce(fn -> 0 end, &(&1 + &2))
        |> Flow.departition(fn -> 0 end, &(&1 + &2), & &1)
        |> Enum.to_list()
      end)

    [2450] = results
  end

  # A flow feeds a consumer there

  behaviour 219, "into_stages has the consumer subscribe to each final stage, which end with normal",
    as: [:consumer] do
    unordered()
    consumer = consumer()
    source = fn -> Flow.from_enumerable(1..20, stages: 2, max_demand: 5) |> Flow.map(&(&1 * 2)) end
    flow = started(fn -> Flow.into_stages(source.(), [{consumer, max_demand: 10, min_demand: 5}]) end)
    true = over?(flow)
    until(fn -> cancels(:consumer) == [{:down, :normal}, {:down, :normal}] end)
    true = Enum.sort(events(:consumer)) == for(n <- 1..20, do: n * 2)
    true = Enum.all?(handled_options(), &(&1 == [cancel: :transient, max_demand: 10, min_demand: 5]))
    true = lives?(consumer)
  end

  behaviour 220, "into_stages with demand accumulate waits until the coordinator is told to forward",
    as: [:consumer] do
    unordered()
    consumer = consumer()

    flow =
      started(fn ->
        Flow.from_enumerable(1..10, stages: 1)
        |> Flow.map(& &1)
        |> Flow.into_stages([consumer], demand: :accumulate)
      end)

    [] = events(:consumer)
    GenStage.demand(flow, :forward)
    true = over?(flow)
    until(fn -> length(events(:consumer)) == 10 end)
  end

  behaviour 221, "a consumer that subscribes to the coordinator is sent on to the final stages",
    as: [:consumer] do
    unordered()
    consumer = consumer()

    flow =
      started(fn ->
        Flow.from_enumerable(1..10, stages: 2) |> Flow.map(& &1) |> Flow.into_stages([], demand: :accumulate)
      end)

    subscribe(consumer, flow, cancel: :transient)
    until(fn -> length(subscriptions(:consumer)) == 3 end)
    GenStage.demand(flow, :forward)
    until(fn -> Enum.sort(events(:consumer)) == Enum.to_list(1..10) end)
    until(fn -> length(cancels(:consumer)) == 3 end)
    true = {:cancel, :normal} in cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 222, "the coordinator of a flow over a producer there can be streamed", as: [:producer] do
    unordered()
    producer = producer(count: 10, at_end: :stop, demand: :accumulate)

    flow =
      started(fn ->
        Flow.from_stages([producer], stages: 1) |> Flow.map(& &1) |> Flow.into_stages([], demand: :accumulate)
      end)

    {:ok, results} = apart(fn -> Enum.to_list(GenStage.stream([{flow, cancel: :transient}])) end)
    ^results = Enum.to_list(0..9)
  end

  behaviour 223, "into_specs ends with shutdown when its consumer crashes, and in order when that is shut down",
    as: [:consumer] do
    unordered()

    for {reason, ending} <- [boom: :shutdown, shutdown: :normal] do
      consumer = consumer(role: reason)

      flow =
        started(fn ->
          Flow.from_enumerables([Stream.cycle([1])], stages: 1)
          |> Flow.map(& &1)
          |> Flow.into_specs([{given(consumer), []}], demand: :accumulate)
        end)

      tell(consumer, {:stop, reason})
      ^ending = ended(flow)
    end
  end

  behaviour 224, "into_stages fails with timeout where subscribing may take no time", as: [:consumer] do
    consumer = consumer()
    source = producer(role: :source)
    :ok = :sys.suspend(consumer)

    {:ok, {:error, {:timeout, {GenServer, :call, [^consumer | _]}}}} =
      apart(fn ->
        Process.flag(:trap_exit, true)
        flow = Flow.from_stages([source], stages: 1) |> Flow.map(& &1)
        Flow.into_stages(flow, [consumer], subscribe_timeout: 0)
      end)

    # Only then is it certain what the consumer finds that subscribes too late.
    await(:source, &Enum.any?(&1, fn entry -> match?({:handle_cancel, _, _}, entry) end))
    :ok = :sys.resume(consumer)
    :noproc = ended(consumer)
  end

  behaviour 229, "however a flow is partitioned, all that have a key in common reach one stage",
    as: [:producer, :consumer] do
    unordered()

    ways = [
      custom: {&Function.identity/1, & &1, hash: fn n -> {n, rem(n, 3)} end},
      element: {&{rem(&1, 7), &1}, &elem(&1, 1), key: {:elem, 0}},
      key: {&%{kind: rem(&1, 7), n: &1}, & &1.n, key: {:key, :kind}},
      function: {&Function.identity/1, & &1, key: &rem(&1, 7)}
    ]

    for {way, {shape, number, options}} <- ways do
      producer = producer(role: {:source, way}, count: 60, at_end: :stop, demand: :accumulate)
      consumer = consumer(role: way)

      flow =
        started(fn ->
          Flow.from_stages([producer], stages: 2)
          |> Flow.map(shape)
          |> Flow.partition([stages: 3] ++ options)
          |> Flow.map(number)
          |> Flow.into_stages([consumer])
        end)

      true = over?(flow)
      until(fn -> length(events(way)) == 60 end)
      divisor = if way == :custom, do: 3, else: 7
      met = for {:handle_events, events, from} <- seen(way), n <- events, uniq: true, do: {rem(n, divisor), from}
      ^divisor = length(met)
    end
  end

  # A stage there is in the middle of a flow

  behaviour 225, "through_stages passes everything through a stage there, and into one behind it",
    as: [:producer, :middle, :consumer] do
    unordered()
    producer = producer(count: 20, demand: :accumulate)
    middle = middle(becomes: :doubled)
    consumer = consumer()

    started(fn ->
      Flow.from_stages([producer], stages: 1)
      |> Flow.through_stages([{middle, []}], stages: 1)
      |> Flow.map(&(&1 + 1))
      |> Flow.into_stages([consumer])
    end)

    expected = for n <- 0..19, do: n * 2 + 1
    until(fn -> Enum.sort(events(:consumer)) == expected end)
    true = Enum.sort(events(:middle)) == Enum.to_list(0..19)
  end

  behaviour 225, "through two of them", as: [:middle] do
    unordered()
    first = middle(role: :first, becomes: :doubled)
    second = middle(role: :second, becomes: :twice)
    producer = producer(count: 10, demand: :accumulate)

    {:ok, results} =
      apart(fn ->
        Flow.from_stages([producer], stages: 1)
        |> Flow.through_stages([{first, []}], stages: 1)
        |> Flow.map(& &1)
        |> Flow.through_stages([{second, []}], stages: 1)
        |> Flow.map(& &1)
        |> Enum.take(20)
      end)

    true = Enum.sort(results) == Enum.sort(for n <- 0..9, _ <- 1..2, do: n * 2)
  end

  behaviour 226, "a flow through a stage ends only when that stage has ended", as: [:producer, :middle] do
    unordered()
    producer = producer(count: 10, at_end: :stop, demand: :accumulate)
    middle = middle(becomes: :doubled)
    caller = self()

    runner =
      spawn(fn ->
        results =
          Flow.from_stages([producer], stages: 1)
          |> Flow.through_stages([{middle, []}], stages: 1)
          |> Flow.map(& &1)
          |> Enum.to_list()

        send(caller, {:results, results})
      end)

    watch(:runner, runner)
    until(fn -> {:down, :normal} in cancels(:middle) end)
    true = lives?(runner)
    tell(middle, {:stop, :normal})
    :normal = ended(runner)
    results = receive(do: ({:results, results} -> results))
    true = Enum.sort(results) == for(n <- 0..9, do: n * 2)
  end

  behaviour 227, "a flow that is left early leaves its producer alone", as: [:producer] do
    unordered()
    for reason <- [:noproc, :shutdown], do: either(reason, :normal)
    producer = producer(count: :forever)

    {:ok, {results, left}} =
      apart(fn ->
        results =
          Flow.from_stages([producer], stages: 2)
          |> Flow.partition(stages: 2)
          |> Flow.map(& &1)
          |> Enum.take(10)

        {results, Process.info(self(), [:messages, :monitors])}
      end)

    {10, [messages: [], monitors: []]} = {length(results), left}
    until(fn -> length(cancels(:producer)) == 2 end)
    true = lives?(producer)
  end

  behaviour 228, "a flow ends with the process that runs it, and its producer is told", as: [:producer] do
    unordered()
    producer = producer(count: 5)
    runner = spawn(fn -> Flow.from_stages([producer], stages: 1) |> Flow.map(& &1) |> Stream.run() end)
    watch(:runner, runner)
    await(:producer, &match?([_, {:handle_demand, _} | _], &1))
    Process.exit(runner, :kill)
    :killed = ended(runner)
    until(fn -> length(cancels(:producer)) == 1 end)
    true = lives?(producer)
  end

  # A short flow may be over before it is monitored.
  defp over?(flow) do
    either(:noproc, :normal)
    ended(flow) in [:normal, :noproc]
  end

  defp handled_options do
    for {:handle_subscribe, :producer, options, _from} <- seen(:consumer), do: Enum.sort(options)
  end

  # The spec of a child whose start gives a stage that runs elsewhere.
  defp given(stage), do: %{id: :given, start: {Function, :identity, [{:ok, stage}]}}

  # A flow whose coordinator is linked to a process that waits for it.
  defp started(start) do
    caller = self()

    spawn(fn ->
      Process.flag(:trap_exit, true)
      {:ok, flow} = start.()
      send(caller, {:flow, flow})
      receive(do: ({:EXIT, ^flow, _reason} -> :ok))
    end)

    receive do
      {:flow, flow} ->
        watch(:runner, flow)
        flow
    after
      5_000 -> raise "the flow does not start"
    end
  end
end
