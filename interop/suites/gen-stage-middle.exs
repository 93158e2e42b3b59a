defmodule Middle do
  use Fixtures.Behaviours

  behaviour 27, "100/80 above and 100/50 below: batches of 20, each of which goes on doubled",
    as: [:producer, :middle, :consumer] do
    loosely()
    producer = producer(count: 300)
    middle = middle(becomes: :twice, subscribe_to: [{producer, [max_demand: 100, min_demand: 80]}])
    consumer = consumer(subscribe_to: [{middle, [max_demand: 100, min_demand: 50]}])
    true = is_pid(consumer)
    true = Enum.all?(batches(:middle), &(length(&1) == 20))
    600 = length(events(:consumer))
  end

  behaviour 28, "what was not asked for waits in the middle and comes in smaller batches",
    as: [:producer, :middle, :consumer] do
    loosely()
    producer = producer(count: 140)
    middle = middle(becomes: :doubled, subscribe_to: [{producer, [max_demand: 100, min_demand: 80]}])
    consumer(subscribe_to: [{middle, [max_demand: 100, min_demand: 50]}])
    doubled = for n <- 0..139, do: n * 2
    ^doubled = events(:consumer)
  end

  behaviour 29, "100/20 above: the first 80 are handled at once, and go on as the consumer asks",
    as: [:producer, :middle, :consumer] do
    loosely()
    producer = producer(count: 280)
    middle = middle(becomes: :doubled, subscribe_to: [{producer, [max_demand: 100, min_demand: 20]}])
    consumer(subscribe_to: [{middle, [max_demand: 100, min_demand: 50]}])
    [first | _] = batches(:middle)
    ^first = Enum.to_list(0..79)
    280 = length(events(:consumer))
  end

  behaviour 30, "the same when the consumer was there first", as: [:producer, :middle, :consumer] do
    loosely()
    middle = middle(becomes: :twice)
    consumer = consumer()
    subscribe(consumer, middle, max_demand: 100, min_demand: 50)
    settle()
    subscribe(middle, producer(count: 300), max_demand: 100, min_demand: 80)
    true = Enum.all?(batches(:middle), &(length(&1) == 20))
    600 = length(events(:consumer))
  end

  behaviour 31, "when its only consumer is gone, no more is handled", as: [:producer, :middle, :consumer] do
    producer = producer(count: 1000)
    middle = middle()
    subscribe(middle, producer, max_demand: 10, min_demand: 8)
    settle()
    consumer = consumer(answer: :manual)
    subscribe(consumer, middle, cancel: :temporary)
    tell(consumer, {:ask, 5})
    settle()
    tell(consumer, {:stop, :normal})
    send(middle, {:emit, [:more]})
    10 = length(events(:middle))
    true = lives?(middle)
  end

  behaviour 32, "one that discards everything goes on asking", as: [:producer, :middle, :consumer] do
    loosely()
    producer = producer(count: 3000)
    middle = middle(becomes: :nothing)
    subscribe(middle, producer)
    subscribe(consumer(), middle)
    3000 = length(events(:middle))
    [] = events(:consumer)
  end

  behaviour 33, "with a BroadcastDispatcher both consumers get the same", as: [:producer, :middle, :consumer] do
    loosely()
    producer = producer(demand: :accumulate, count: 60)
    middle = middle(becomes: :twice, dispatcher: :broadcast)
    subscribe(middle, producer, max_demand: 10, min_demand: 0)
    subscribe(consumer(), middle, max_demand: 10, min_demand: 0)
    subscribe(consumer(role: :second), middle, max_demand: 20, min_demand: 0)
    settle()
    GenStage.demand(producer, :forward)
    120 = length(events(:consumer))
    true = events(:consumer) == events(:second)
  end

  behaviour 34,
            "with a BroadcastDispatcher a consumer that does not ask holds the others up until it cancels",
            as: [:middle, :consumer],
            since: 25 do
    loosely()
    producer = producer(demand: :accumulate, count: 20)
    middle = middle(dispatcher: :broadcast)
    subscribe(middle, producer, max_demand: 10, min_demand: 0)
    subscribe(consumer(), middle, max_demand: 10, min_demand: 0)
    subscribe(consumer(role: :second), middle, max_demand: 10, min_demand: 0)
    silent = consumer(role: :silent, answer: :manual)
    subscribe(silent, middle, cancel: :temporary)
    settle()
    GenStage.demand(producer, :forward)
    [] = events(:consumer)
    tell(silent, {:cancel, :enough})
    20 = length(events(:consumer))
    true = events(:consumer) == events(:second)
  end

  behaviour 35, "the end of its producer is told behind the events that wait", as: [:producer, :middle] do
    forget_sources()
    producer = producer(count: 4)
    middle = middle()
    subscribe(middle, producer, max_demand: 4, cancel: :temporary)
    [4] = demands(:producer)
    tell(middle, {:cancel, :enough})
    [] = cancels(:middle)
    subscribe(consumer(), middle, max_demand: 10)
    [0, 1, 2, 3] = events(:consumer)
    [{:cancel, :enough}] = cancels(:middle)
  end

  behaviour 36, "with a permanent subscription it ends when what waits has been taken, and not before",
    as: [:producer, :middle] do
    forget_sources()
    producer = producer(count: 4)
    middle = middle()
    subscribe(middle, producer, max_demand: 4)
    [4] = demands(:producer)
    tell(producer, {:stop, :done})
    :done = ended(producer)
    true = lives?(middle)
    subscribe(consumer(), middle, max_demand: 10, cancel: :temporary)
    :done = ended(middle)
    [0, 1, 2, 3] = events(:consumer)
    [{:down, :done}] = cancels(:consumer)
  end

  behaviour 37, "what waited when its producer went is handled as one list, and nothing is asked for",
    as: [:producer, :middle, :consumer] do
    forget_sources()
    {producer, middle} = drained()
    [4] = demands(:producer)
    tell(producer, {:stop, :done})
    :done = ended(producer)
    settle()
    subscribe(consumer(), middle, max_demand: 10)
    [[0, 1, 2, 3]] = batches(:middle)
  end

  behaviour 38, "without a consumer it asks at once, and handles nothing", as: [:producer, :middle] do
    subscribe(middle(), producer(count: 100), max_demand: 10)
    [10] = demands(:producer)
    [] = batches(:middle)
  end

  behaviour 48, "told to forward it goes on, and told to accumulate it goes on as well", as: [:middle] do
    middle = middle()
    subscribe(middle, producer(count: 10))
    subscribe(consumer(), middle, max_demand: 100)
    GenStage.demand(middle, :forward)
    GenStage.demand(middle, :accumulate)
    10 = length(events(:consumer))
    true = lives?(middle)
  end

  behaviour 68, "infos come at once while nothing waits", as: [:middle] do
    middle = middle()
    :ok = GenStage.sync_info(middle, :sync)
    :ok = GenStage.async_info(middle, :async)
    [:sync, :async] = infos(:middle)
  end

  behaviour 69, "infos come behind the events that wait", as: [:middle] do
    middle = middle()
    subscribe(middle, producer(count: 4), max_demand: 4)
    settle()
    :ok = GenStage.sync_info(middle, :sync)
    :ok = GenStage.async_info(middle, :async)
    [] = infos(:middle)
    subscribe(consumer(), middle, max_demand: 10)
    [:sync, :async] = infos(:middle)
  end

  behaviour 97, "one that wants manual demand of its consumers ends", as: [:middle] do
    middle = middle(answer: :manual, answers: :consumer)
    subscribe(consumer(answer: :manual), middle, cancel: :temporary)
    {:bad_return_value, _} = ended(middle)
  end

  behaviour 104, "one that answers a subscription of its own with an unknown mode ends", as: [:middle] do
    either(:noproc, {:bad_return_value, :unknown})
    middle = middle(answer: :unknown, answers: :producer)
    GenStage.async_subscribe(middle, to: producer())
    {:bad_return_value, _} = ended(middle)
    await(:producer, &match?([_, {:handle_cancel, {:down, _}, _}], &1))
  end

  behaviour 113, "temporary: it is told of a cancel, and of a kill, and lives", as: [:producer, :middle] do
    {middle, _producer} = cancelled(:temporary, :oops)
    [{:cancel, :oops}] = cancels(:middle)
    true = lives?(middle)
    killed(middle, :temporary)
    [{:cancel, :oops}, {:down, :killed}] = cancels(:middle)
    true = lives?(middle)
  end

  behaviour 113, "transient: it lives on after normal and shutdown", as: [:producer, :middle] do
    {middle, _producer} = cancelled(:transient, :normal)
    true = lives?(middle)
    producer = producer(role: :second)
    subscribe(middle, producer, cancel: :transient)
    settle()
    tell(producer, {:stop, :shutdown})
    await(:middle, &(length(for {:handle_cancel, _, _} <- &1, do: 1) == 2))
    [{:cancel, :normal}, {:down, :shutdown}] = cancels(:middle)
    true = lives?(middle)
  end

  behaviour 113, "transient: it ends with any other reason", as: [:producer, :middle] do
    {middle, _producer} = cancelled(:transient, {:any, "term"})
    {:any, "term"} = ended(middle)
  end

  behaviour 113, "transient: it ends with a producer that is killed", as: [:producer, :middle] do
    middle = middle()
    killed(middle, :transient)
    :killed = ended(middle)
  end

  behaviour 113, "permanent: it ends with any reason, and when its producer is killed",
    as: [:producer, :middle] do
    {middle, _producer} = cancelled(:permanent, :normal)
    :normal = ended(middle)
    second = middle(role: :second)
    killed(second, :permanent)
    :killed = ended(second)
  end

  behaviour 114, "it is told of a consumer that cancels, or is killed", as: [:middle, :consumer] do
    middle = middle()
    consumer = consumer()
    subscribe(consumer, middle, cancel: :temporary)
    settle()
    tell(consumer, {:cancel, :enough})
    [{:cancel, :enough}] = cancels(:middle)
    second = consumer(role: :second)
    subscribe(second, middle)
    settle()
    Process.exit(second, :kill)
    await(:middle, &(length(for {:handle_cancel, _, _} <- &1, do: 1) == 2))
    [{:cancel, :enough}, {:down, :killed}] = cancels(:middle)
  end

  behaviour 100, "events of a call go out while its consumers ask for them", as: [:middle, :consumer] do
    middle = middle()
    subscribe(consumer(), middle, max_demand: 10)
    settle()
    :ok = tell(middle, {:emit, [1, 2]})
    [1, 2] = events(:consumer)
  end

  behaviour 55, "it counts what it has buffered, and not what it has not handled", as: [:middle] do
    middle = middle()
    subscribe(middle, producer(count: 4), max_demand: 4)
    settle()
    0 = GenStage.estimate_buffered_count(middle)
    tell(middle, {:emit, [1, 2, 3]})
    3 = GenStage.estimate_buffered_count(middle)
  end

  behaviour 116, "its status shows producers, consumers, dispatcher and buffer", as: [:middle] do
    middle = middle()
    producer = producer()
    consumer = consumer()
    subscribe(middle, producer)
    subscribe(consumer, middle)
    settle()
    {:status, ^middle, _module, [_dictionary, _state, _parent, _debug, misc]} = :sys.get_status(middle)

    shown =
      for {:data, pairs} <- List.flatten(misc),
          {name, value} <- pairs,
          into: %{},
          do: {to_string(name), value}

    [] = ["Buffer size", "Consumers", "Dispatcher", "Producers", "Stage", "State"] -- Map.keys(shown)
    {:producer_consumer, [^producer], [^consumer]} = {shown["Stage"], shown["Producers"], shown["Consumers"]}
  end

  behaviour 231, "subscribed by name and node, it asks at the name for ever", as: [:producer, :middle] do
    loosely()
    producer(name: :probe_named, count: 30)
    middle = middle()
    to = named(:producer, :probe_named)
    tag = subscribe(middle, to, max_demand: 4, min_demand: 2)
    subscribe(consumer(), middle)
    30 = length(events(:consumer))
    [{^to, ^tag}] = subscriptions(:middle)
    [^to] = Enum.uniq(for {:handle_events, _events, {peer, _tag}} <- seen(:middle), do: peer)
  end

  # A stage in the middle that has four events waiting.
  defp drained do
    producer = producer(count: 4)
    middle = middle()
    subscribe(middle, producer, max_demand: 4, cancel: :temporary)
    settle()
    {producer, middle}
  end

  defp cancelled(mode, reason) do
    producer = producer()
    middle = middle()
    subscribe(middle, producer, cancel: mode)
    settle()
    tell(middle, {:cancel, reason})
    settle()
    {middle, producer}
  end

  defp killed(middle, mode) do
    producer = producer(role: :victim)
    subscribe(middle, producer, cancel: mode)
    settle()
    Process.exit(producer, :kill)
    :killed = ended(producer)
    settle()
  end
end
