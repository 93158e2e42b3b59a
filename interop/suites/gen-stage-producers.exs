defmodule Producers do
  use Fixtures.Behaviours

  # Start and stop

  behaviour 9, "subscribe_to with a pid lets events arrive", as: [:producer, :consumer] do
    producer = producer(count: 10)
    consumer(subscribe_to: [{producer, [max_demand: 4, min_demand: 2]}])
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] = events(:consumer)
  end

  behaviour 13, "GenStage.stop runs terminate with normal" do
    producer = producer()
    consumer = consumer()
    :ok = GenStage.stop(producer)
    :ok = GenStage.stop(consumer)
    {:normal, :normal} = {ended(producer), ended(consumer)}
    {[terminate: :normal], [terminate: :normal]} = {seen(:producer), seen(:consumer)}
  end

  behaviour 14, "a call that stops with a reply is answered, and the stage exits with its reason" do
    producer = producer()
    consumer = consumer()
    :ok = tell(producer, {:stop, :shutdown})
    :ok = tell(consumer, {:stop, :shutdown})
    {:shutdown, :shutdown} = {ended(producer), ended(consumer)}
  end

  behaviour 15, "a DOWN that belongs to no subscription is passed to handle_info" do
    down = {:DOWN, :not_a_subscription, :process, :somebody, :gone}
    send(producer(), down)
    send(consumer(), down)
    {[^down], [^down]} = {infos(:producer), infos(:consumer)}
  end

  # Demand of an automatic consumer

  behaviour 16, "with default options events come in halves of 500" do
    producer = producer(count: 2000)
    consumer = consumer()
    subscribe(consumer, producer)
    [first, second | _] = batches(:consumer)
    {^first, ^second} = {Enum.to_list(0..499), Enum.to_list(500..999)}
    2000 = length(events(:consumer))
  end

  behaviour 17, "100 and 80 make batches of 20" do
    producer = producer(count: 1040)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 100, min_demand: 80)
    true = Enum.all?(batches(:consumer), &(length(&1) == 20))
    1040 = length(events(:consumer))
  end

  behaviour 18, "100 and 20 make batches of 80, 20, 80, 80, 20" do
    producer = producer(count: 280)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 100, min_demand: 20)
    [80, 20, 80, 80, 20] = Enum.map(batches(:consumer), &length/1)
  end

  behaviour 19, "1 and 0 let events come one by one" do
    producer = producer(count: 5)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 1, min_demand: 0)
    [[0], [1], [2], [3], [4]] = batches(:consumer)
  end

  behaviour 20, "with 10 and 5, asks are 10 and then 5 after each batch of 5, each told to handle_demand" do
    producer = producer(count: 30)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 10, min_demand: 5)
    [10, 5, 5, 5, 5, 5, 5] = demands(:producer)
    true = Enum.all?(batches(:consumer), &(length(&1) == 5))
  end

  behaviour 21, "of pushed batches of 100 the third makes one ask of 300 where 1000 and 750 are asked for" do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 1000, min_demand: 750)
    tell(producer, {:emit, Enum.to_list(1..100)})
    tell(producer, {:emit, Enum.to_list(101..200)})
    [1000] = demands(:producer)
    tell(producer, {:emit, Enum.to_list(201..300)})
    [1000, 300] = demands(:producer)
  end

  behaviour 22, "the ask comes after handle_events is done with the batch that crossed the minimum" do
    producer = producer(count: 2)
    consumer = consumer(slow: 200)
    subscribe(consumer, producer, max_demand: 2, min_demand: 0)
    await(:consumer, &match?([_, {:handle_events, [0, 1], _}], &1))
    await(:producer, &match?([_, {:handle_demand, 2}], &1))
    await(:consumer, &({:handled, 2} in &1))
    [2, 2] = demands(:producer)
  end

  behaviour 23, "what a killed consumer was handling is not delivered again" do
    producer = producer(count: 20)
    consumer = consumer(slow: 60_000)
    subscribe(consumer, producer, max_demand: 4, min_demand: 2)
    await(:consumer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_events end))
    Process.exit(consumer, :kill)
    :killed = ended(consumer)
    await(:producer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    second = consumer(role: :second)
    subscribe(second, producer, max_demand: 4, min_demand: 2)
    [4 | _] = events(:second)
  end

  # Demand mode

  behaviour 39, "a producer that starts accumulating serves nobody until it is told to forward" do
    producer = producer(count: 8, demand: :accumulate)
    consumer = consumer()
    :accumulate = GenStage.call(producer, :"$demand")
    subscribe(consumer, producer, max_demand: 4, min_demand: 0)
    [] = events(:consumer)
    GenStage.demand(producer, :forward)
    :forward = GenStage.call(producer, :"$demand")
    [[0, 1, 2, 3], [4, 5, 6, 7]] = batches(:consumer)
  end

  behaviour 40, "one that is told to accumulate serves nobody either" do
    producer = producer(count: 4)
    consumer = consumer()
    GenStage.demand(producer, :accumulate)
    subscribe(consumer, producer, max_demand: 4)
    [] = demands(:producer)
    GenStage.demand(producer, :forward)
    [0, 1, 2, 3] = events(:consumer)
  end

  behaviour 41, "one that was told to forward before there was anybody serves at once" do
    producer = producer(count: 4, demand: :accumulate)
    consumer = consumer()
    GenStage.demand(producer, :forward)
    subscribe(consumer, producer, max_demand: 4)
    [0, 1, 2, 3] = events(:consumer)
  end

  behaviour 42, "accumulating again loses no demand" do
    producer = producer(count: 4, demand: :accumulate)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 4)
    GenStage.demand(producer, :accumulate)
    [] = events(:consumer)
    GenStage.demand(producer, :forward)
    [0, 1, 2, 3] = events(:consumer)
  end

  behaviour 43, "accumulated asks are told one by one" do
    producer = producer(demand: :accumulate)
    for role <- [:consumer, :second], do: subscribe(consumer(role: role), producer, max_demand: 2)
    GenStage.demand(producer, :forward)
    [2, 2] = demands(:producer)
  end

  behaviour 44, "events emitted one by one while accumulating arrive as batches of one", since: 25 do
    producer = producer(dispatcher: :broadcast)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 2, cancel: :temporary)
    [2] = demands(:producer)
    tell(consumer, {:stop, :normal})
    [{:down, :normal}] = cancels(:producer)
    GenStage.demand(producer, :accumulate)
    for event <- [:a, :b, :c, :d], do: tell(producer, {:emit, [event]})
    for role <- [:second, :third], do: subscribe(consumer(role: role), producer, max_demand: 4, min_demand: 0)
    [] = events(:second)
    GenStage.demand(producer, :forward)
    [[:a], [:b], [:c], [:d]] = batches(:second)
    [[:a], [:b], [:c], [:d]] = batches(:third)
    0 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 45, "events that are emitted while accumulating stay, whatever was asked for", since: 25 do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 4, min_demand: 0)
    [4] = demands(:producer)
    GenStage.demand(producer, :accumulate)
    tell(producer, {:emit, [1, 2]})
    tell(producer, {:emit, [3]})
    [] = events(:consumer)
    GenStage.demand(producer, :forward)
    [[1, 2], [3]] = batches(:consumer)
  end

  behaviour 47, "a consumer forwards, and lives when it is told to do otherwise", as: [:consumer] do
    consumer = consumer()
    :forward = GenStage.call(consumer, :"$demand")
    GenStage.demand(consumer, :accumulate)
    true = lives?(consumer)
  end

  # Buffer

  behaviour 49, "events emitted before there is a consumer come first" do
    producer = producer(count: 7)
    GenStage.cast(producer, {:emit, [:a, :b]})
    send(producer, {:emit, [:c, :d, :e]})
    subscribe(consumer(), producer, max_demand: 4, min_demand: 0)
    [[:a, :b, :c, :d], [:e], [0, 1, 2], [3, 4, 5, 6]] = batches(:consumer)
  end

  behaviour 50, "a full buffer that keeps the first keeps the first" do
    producer = producer(buffer_size: 5, buffer_keep: :first)
    tell(producer, {:emit, [:a, :b, :c, :d, :e]})
    tell(producer, {:emit, [:f, :g, :h]})
    subscribe(consumer(), producer, max_demand: 10)
    [:a, :b, :c, :d, :e] = events(:consumer)
  end

  behaviour 51, "a full buffer keeps the last unless told otherwise" do
    producer = producer(buffer_size: 5)
    tell(producer, {:emit, [:a, :b, :c, :d, :e]})
    tell(producer, {:emit, [:f, :g, :h]})
    subscribe(consumer(), producer, max_demand: 10)
    [:d, :e, :f, :g, :h] = events(:consumer)
  end

  behaviour 52, "a buffer without a limit keeps all" do
    producer = producer(buffer_size: :infinity)
    tell(producer, {:emit, [:a, :b, :c, :d, :e, :f, :g, :h]})
    subscribe(consumer(), producer, max_demand: 4, min_demand: 0)
    [[:a, :b, :c, :d], [:e, :f, :g, :h]] = batches(:consumer)
  end

  behaviour 55, "the estimated count is that of the buffered events", as: [:producer] do
    producer = producer()
    tell(producer, {:emit, [:a, :b, :c, :d, :e]})
    5 = GenStage.estimate_buffered_count(producer)
    tell(producer, {:emit, [:f, :g, :h]})
    8 = GenStage.estimate_buffered_count(producer)
    subscribe(consumer(), producer, max_demand: 10)
    8 = length(events(:consumer))
    0 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 56, "the estimated count of a consumer is 0", as: [:consumer] do
    consumer = consumer()
    0 = GenStage.estimate_buffered_count(consumer)
    true = lives?(consumer)
  end

  behaviour 57, "infos in the buffer are not counted", as: [:producer] do
    producer = producer()
    tell(producer, {:emit, [:a]})
    GenStage.sync_info(producer, :info)
    1 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 58, "a full buffer that keeps the first gives what it has in order" do
    producer = producer(buffer_size: 3, buffer_keep: :first)
    for event <- [1, 2, 3, 4, 5], do: tell(producer, {:emit, [event]})
    3 = GenStage.estimate_buffered_count(producer)
    subscribe(consumer(), producer, max_demand: 2, min_demand: 0)
    [[1, 2], [3]] = batches(:consumer)
  end

  behaviour 59, "a thousand events stay in a buffer without a limit" do
    producer = producer(buffer_size: :infinity)
    tell(producer, {:emit, Enum.to_list(1..1000)})
    1000 = GenStage.estimate_buffered_count(producer)
    subscribe(consumer(), producer)
    1000 = length(events(:consumer))
  end

  behaviour 66, "what was emitted beyond the demand is served before handle_demand is called again" do
    producer = producer(count: 3)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 4, min_demand: 0)
    [0, 1, 2] = events(:consumer)
    tell(producer, {:emit, Enum.to_list(10..15)})
    [0, 1, 2, 10, 11, 12, 13, 14, 15] = events(:consumer)
    [4, 3] = demands(:producer)
  end

  # Infos

  behaviour 60, "infos behind events that the newest push out are delivered then", as: [:producer] do
    producer = producer(buffer_size: 2)
    tell(producer, {:emit, [1]})
    GenStage.sync_info(producer, :first)
    tell(producer, {:emit, [2]})
    GenStage.sync_info(producer, :second)
    [] = infos(:producer)
    tell(producer, {:emit, [3]})
    [:first] = infos(:producer)
  end

  behaviour 61, "an info is delivered at once when the buffer is empty", as: [:producer] do
    producer = producer(buffer_size: 2)
    GenStage.sync_info(producer, :now)
    [:now] = infos(:producer)
  end

  behaviour 63, "a request beyond an info takes what is before it, and then what is behind" do
    producer = producer()
    tell(producer, {:emit, [1, 2]})
    tell(producer, {:info, :between})
    tell(producer, {:emit, [3, 4]})
    subscribe(consumer(), producer, max_demand: 10)
    [[1, 2], [3, 4]] = batches(:consumer)
    [:between] = infos(:producer)
  end

  behaviour 64, "infos at one place come in the order in which they were queued", as: [:producer], since: 25 do
    producer = producer()
    tell(producer, {:emit, [1]})
    for info <- [:first, :second, :third], do: GenStage.sync_info(producer, info)
    subscribe(consumer(), producer)
    [:first, :second, :third] = infos(:producer)
  end

  behaviour 65, "each group of events is followed by its infos", since: 25 do
    producer = producer()

    for group <- [[1, 2], [3], [4, 5, 6]] do
      tell(producer, {:emit, group})
      for kind <- [:a, :b], do: GenStage.sync_info(producer, {kind, length(group)})
    end

    consumer = consumer(answer: :manual)
    subscribe(consumer, producer)
    tell(consumer, {:ask, 2})
    [a: 2, b: 2] = infos(:producer)
    tell(consumer, {:ask, 2})
    [a: 2, b: 2, a: 1, b: 1] = infos(:producer)
    tell(consumer, {:ask, 2})
    [a: 2, b: 2, a: 1, b: 1, a: 3, b: 3] = infos(:producer)
    [[1, 2], [3], [4], [5, 6]] = batches(:consumer)
  end

  behaviour 67, "a consumer gets infos at once", as: [:consumer] do
    consumer = consumer()
    :ok = GenStage.sync_info(consumer, :sync)
    :ok = GenStage.async_info(consumer, :async)
    [:sync, :async] = infos(:consumer)
  end

  behaviour 70, "a producer with an empty buffer gets infos at once", as: [:producer] do
    producer = producer()
    :ok = GenStage.sync_info(producer, :sync)
    :ok = GenStage.async_info(producer, :async)
    [:sync, :async] = infos(:producer)
  end

  behaviour 71, "an info waits for the events of a buffer without a limit" do
    producer = producer(buffer_size: :infinity)
    tell(producer, {:emit, [1, 2]})
    :ok = GenStage.sync_info(producer, :info)
    [] = infos(:producer)
    subscribe(consumer(), producer)
    [:info] = infos(:producer)
  end

  behaviour 72, "an info waits for the last event of a bounded buffer, be it full or not", as: [:producer] do
    for {events, index} <- Enum.with_index([[1], [1, 2], [1, 2, 3]]) do
      role = :"producer#{index}"
      producer = producer(role: role, buffer_size: 3)
      tell(producer, {:emit, events})
      :ok = GenStage.sync_info(producer, :info)
      consumer = consumer(role: :"consumer#{index}", answer: :manual)
      subscribe(consumer, producer)
      if length(events) > 1, do: tell(consumer, {:ask, length(events) - 1})
      [] = infos(role)
      tell(consumer, {:ask, 1})
      [:info] = infos(role)
    end
  end

  behaviour 73, "infos keep their place in a buffer that moves on" do
    producer = producer(buffer_size: 3)
    tell(producer, {:emit, [1, 2, 3]})
    GenStage.sync_info(producer, :first)
    consumer = consumer(answer: :manual)
    subscribe(consumer, producer)
    tell(consumer, {:ask, 2})
    [[1, 2]] = batches(:consumer)
    tell(producer, {:emit, [4, 5]})
    GenStage.sync_info(producer, :second)
    tell(consumer, {:ask, 3})
    [[1, 2], [3], [4, 5]] = batches(:consumer)
    [:first, :second] = infos(:producer)
  end

  behaviour 74, "an info whose event is pushed out is delivered without a consumer", as: [:producer] do
    producer = producer(buffer_size: 2)
    tell(producer, {:emit, [1, 2]})
    GenStage.async_info(producer, :info)
    [] = infos(:producer)
    tell(producer, {:emit, [3, 4]})
    [:info] = infos(:producer)
  end

  behaviour 75, "infos between events divide them into two messages", since: 25 do
    producer = producer()
    tell(producer, {:emit, [1, 2]})
    for info <- [:a, :b, :c], do: GenStage.sync_info(producer, info)
    tell(producer, {:emit, [3]})
    GenStage.sync_info(producer, :d)
    subscribe(consumer(), producer, max_demand: 3)
    [:a, :b, :c, :d] = infos(:producer)
    [[1, 2], [3]] = batches(:consumer)
  end

  # Manual demand

  behaviour 92, "a manual consumer gets what it asks for, in one batch" do
    producer = producer(count: 1000)
    consumer = consumer(answer: :manual)
    subscribe(consumer, producer)
    [] = events(:consumer)
    tell(consumer, {:ask, 50})
    tell(consumer, {:ask, 50})
    {first, second} = {Enum.to_list(0..49), Enum.to_list(50..99)}
    [^first, ^second] = batches(:consumer)
  end

  behaviour 93, "one that subscribes in its init, too" do
    producer = producer(count: 1000)
    consumer = consumer(answer: :manual, subscribe_to: [{producer, [cancel: :temporary]}])
    tell(consumer, {:ask, 50})
    50 = length(events(:consumer))
  end

  behaviour 94, "an ask of 0 sends nothing", as: [:consumer] do
    producer = producer()
    consumer = consumer(answer: :manual)
    subscribe(consumer, producer)
    tell(consumer, {:ask, 0})
    [] = demands(:producer)
  end

  behaviour 95, "asks of 3 and 2 bring messages of 3 and 2, and no other ask is made" do
    producer = producer(count: 1000)
    consumer = consumer(answer: :manual)
    subscribe(consumer, producer, max_demand: 4)
    tell(consumer, {:ask, 3})
    tell(consumer, {:ask, 2})
    [[0, 1, 2], [3, 4]] = batches(:consumer)
    [3, 2] = demands(:producer)
  end

  # Callbacks of a producer

  behaviour 96, "handle_subscribe gets the options without :to, whatever is in them" do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 7, note: {"any", [1.5, nil]}, cancel: :temporary)
    [{:handle_subscribe, :consumer, options, {^consumer, _tag}} | _] = seen(:producer)
    [max_demand: 7, note: {"any", [1.5, nil]}, cancel: :temporary] = options
  end

  behaviour 97, "a producer that wants manual demand of its consumers ends" do
    producer = producer(answer: :manual)
    consumer = consumer(answer: :manual)
    subscribe(consumer, producer, cancel: :temporary)
    {:bad_return_value, _} = ended(producer)
    [{:down, {:bad_return_value, _}}] = cancels(:consumer)
  end

  behaviour 98, "a producer is told of a cancel, with its reason" do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, cancel: :temporary)
    tell(consumer, {:cancel, :oops})
    [{:cancel, :oops}] = cancels(:producer)
    [{:cancel, :oops}] = cancels(:consumer)
  end

  behaviour 99, "a producer is told of a consumer that was killed" do
    producer = producer(count: 3)
    consumer = consumer()
    subscribe(consumer, producer)
    [0, 1, 2] = events(:consumer)
    Process.exit(consumer, :kill)
    await(:producer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    [{:down, :killed}] = cancels(:producer)
  end

  behaviour 100, "events of a call leave before its reply", as: [:producer] do
    {:events, :reply} = order_of({:emit, [1]})
  end

  behaviour 101, "events of a call that replied before leave after the reply", as: [:producer] do
    {:reply, :events} = order_of({:emit_late, [1]})
  end

  behaviour 102, "the status of a producer shows its stage type, dispatcher, consumers and buffer",
    as: [:producer] do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer)
    tell(producer, {:info, :settled})
    [:settled] = infos(:producer)
    [] = ["Buffer size", "Consumers", "Dispatcher", "Stage", "State"] -- Map.keys(status(producer))
    :producer = status(producer)["Stage"]
    [^consumer] = status(producer)["Consumers"]
    0 = status(producer)["Buffer size"]
  end

  defp order_of(request) do
    producer = producer()
    to_producer(producer, :tag, {:subscribe, nil, []})
    to_producer(producer, :tag, {:ask, 3})
    [3] = demands(:producer)
    call = make_ref()
    send(producer, {:"$gen_call", {self(), call}, request})
    {what(call), what(call)}
  end

  defp what(call) do
    receive do
      {:"$gen_consumer", {_producer, :tag}, [1]} -> :events
      {^call, :ok} -> :reply
    after
      2_000 -> :nothing
    end
  end

  defp status(stage) do
    {:status, ^stage, _module, [_dictionary, _state, _parent, _debug, misc]} = :sys.get_status(stage)

    for {:data, pairs} <- List.flatten(misc), {name, value} <- pairs, into: %{}, do: {to_string(name), value}
  end
end
