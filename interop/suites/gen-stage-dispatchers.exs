defmodule Dispatchers do
  use Fixtures.Behaviours

  # Broadcast, with automatic consumers

  behaviour 24, "two consumers of a broadcast handle the same batches, as small as the smaller demand" do
    loosely()
    producer = producer(dispatcher: :broadcast, demand: :accumulate, count: 100)
    subscribe(consumer(), producer, max_demand: 10, min_demand: 0)
    settle()
    subscribe(consumer(role: :second), producer, max_demand: 20, min_demand: 0)
    settle()
    GenStage.demand(producer, :forward)
    100 = length(events(:consumer))
    true = batches(:consumer) == batches(:second)
  end

  behaviour 25, "a third that never asks holds the others up until it cancels" do
    loosely()
    producer = producer(dispatcher: :broadcast, count: 50)
    silent = manual(:silent, producer, cancel: :temporary)
    subscribe(consumer(), producer, max_demand: 10, min_demand: 0)
    subscribe(consumer(role: :second), producer, max_demand: 20, min_demand: 0)
    [] = events(:consumer)
    tell(silent, {:cancel, :enough})
    50 = length(events(:consumer))
    true = events(:consumer) == events(:second)
  end

  behaviour 26, "a broadcast asks its producer once, for what all have asked for", since: 25 do
    producer = producer(dispatcher: :broadcast)
    subscribe(consumer(), producer, max_demand: 10, min_demand: 0)
    settle()
    subscribe(consumer(role: :second), producer, max_demand: 20, min_demand: 0)
    [10] = demands(:producer)
  end

  # DemandDispatcher

  behaviour 129, "what a consumer that is gone had asked for is owed to the next one" do
    producer = producer()
    first = manual(:first, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    settle()
    tell(first, {:cancel, :enough})
    settle()
    second = manual(:second, producer)
    tell(second, {:ask, 5})
    settle()
    [10] = demands(:producer)
    tell(second, {:ask, 10})
    [10, 5] = demands(:producer)
  end

  behaviour 130, "events that nobody gets lower what is owed", since: 25 do
    producer = producer()
    first = manual(:first, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    settle()
    tell(first, {:cancel, :enough})
    settle()
    tell(producer, {:emit, [1, 2, 3]})
    second = manual(:second, producer)
    tell(second, {:ask, 12})
    [1, 2, 3] = events(:second)
    [10, 2] = demands(:producer)
  end

  behaviour 131, "the asks of others are set off against what is owed" do
    producer = producer()
    first = manual(:first, producer, cancel: :temporary)
    second = manual(:second, producer)
    tell(first, {:ask, 3})
    settle()
    tell(second, {:ask, 3})
    settle()
    tell(first, {:cancel, :enough})
    settle()
    tell(second, {:ask, 4})
    [3, 3, 1] = demands(:producer)
  end

  behaviour 132, "events go out as far as there is demand, and the rest stays" do
    producer = producer()
    consumer = manual(:consumer, producer)
    tell(consumer, {:ask, 3})
    settle()
    tell(producer, {:emit, [1]})
    tell(consumer, {:ask, 3})
    settle()
    tell(producer, {:emit, [2, 3, 4, 5, 6, 7, 8]})
    [[1], [2, 3, 4, 5, 6]] = batches(:consumer)
    2 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 133, "the one that has asked for most comes first" do
    producer = producer()
    asking(producer, first: 4, second: 2, third: 3)
    tell(producer, {:emit, Enum.to_list(1..9)})
    {[[1, 2, 3, 4]], [[8, 9]], [[5, 6, 7]]} = {batches(:first), batches(:second), batches(:third)}
  end

  behaviour 134, "of 3 and 2 the first gets three and the second two" do
    producer = producer()
    asking(producer, first: 3, second: 2)
    tell(producer, {:emit, [1, 2, 3, 4, 5]})
    {[[1, 2, 3]], [[4, 5]]} = {batches(:first), batches(:second)}
  end

  behaviour 135, "of equals the one that was served goes behind" do
    producer = producer()
    asking(producer, first: 3, second: 3)
    tell(producer, {:emit, [1, 2]})
    tell(producer, {:emit, [3, 4]})
    {[[1, 2]], [[3, 4]]} = {batches(:first), batches(:second)}
  end

  behaviour 136, "one each, and one left over" do
    producer = producer()
    asking(producer, first: 1, second: 1)
    tell(producer, {:emit, [1, 2, 3]})
    {[[1]], [[2]]} = {batches(:first), batches(:second)}
    1 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 139, "an ask beyond max_demand of the dispatcher is granted" do
    producer = producer(dispatcher: {:demand, 3}, count: 10)
    consumer = manual(:consumer, producer)
    tell(consumer, {:ask, 4})
    [[0, 1, 2, 3]] = batches(:consumer)
  end

  behaviour 140, "so is one beyond the first" do
    producer = producer(count: 20)
    consumer = manual(:consumer, producer)
    tell(consumer, {:ask, 4})
    settle()
    tell(consumer, {:ask, 6})
    [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9]] = batches(:consumer)
  end

  # BroadcastDispatcher, with manual consumers

  behaviour 142, "events for which nobody is there any more stay" do
    producer = producer(dispatcher: :broadcast)
    first = manual(:first, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    settle()
    tell(first, {:cancel, :enough})
    settle()
    tell(producer, {:emit, [1, 2, 3]})
    3 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 143, "demand is not asked for again when consumers come one after another", since: 25 do
    producer = producer(dispatcher: :broadcast)
    first = manual(:first, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    settle()
    second = manual(:second, producer)
    tell(first, {:cancel, :enough})
    settle()
    tell(second, {:ask, 10})
    [10] = demands(:producer)
  end

  behaviour 144, "when the one that did not ask cancels, the other's demand counts" do
    producer = producer(dispatcher: :broadcast)
    first = manual(:first, producer)
    second = manual(:second, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    [] = demands(:producer)
    tell(second, {:cancel, :enough})
    [10] = demands(:producer)
  end

  behaviour 145, "events go out as far as all have asked" do
    producer = producer(dispatcher: :broadcast)
    asking(producer, first: 3, second: 2)
    tell(producer, {:emit, [:a, :b]})
    {[[:a, :b]], [[:a, :b]]} = {batches(:first), batches(:second)}
    tell(stage(:second), {:ask, 2})
    settle()
    tell(producer, {:emit, [:c, :d]})
    {[_, [:c]], [_, [:c]]} = {batches(:first), batches(:second)}
    1 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 146, "without common demand nothing goes out", since: 25 do
    producer = producer(dispatcher: :broadcast)
    asking(producer, first: 3)
    manual(:second, producer)
    tell(producer, {:emit, [1, 2]})
    [] = events(:first)
    2 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 147, "a newcomer that has not asked stops the others", since: 25 do
    # GenStage takes the two that were held back for new demand, and asks its producer for two fewer than are wanted.
    loosely()
    producer = producer(dispatcher: :broadcast)
    asking(producer, first: 3, second: 3)
    manual(:third, producer)
    tell(producer, {:emit, [1, 2]})
    [] = events(:first)

    for role <- [:first, :second, :third] do
      tell(stage(role), {:ask, 5})
      settle()
    end

    for role <- [:first, :second, :third], do: [[1, 2]] = batches(role)
  end

  behaviour 148, "a newcomer that asks gets what is to come", since: 25 do
    producer = producer(dispatcher: :broadcast)
    asking(producer, first: 10)
    tell(producer, {:emit, [1, 2, 3]})
    settle()
    asking(producer, second: 20)
    [10] = demands(:producer)
    tell(producer, {:emit, [4, 5, 6, 7, 8, 9, 10]})
    {[_, seven], [seven]} = {batches(:first), batches(:second)}
    7 = length(seven)
  end

  behaviour 149, "what one that is gone had asked for counts for the next", since: 25 do
    producer = producer(dispatcher: :broadcast)
    first = manual(:first, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    settle()
    tell(first, {:cancel, :enough})
    settle()
    asking(producer, second: 5)
    [10] = demands(:producer)
    tell(producer, {:emit, [1, 2, 3]})
    [[1, 2, 3]] = batches(:second)
  end

  behaviour 150, "what came in while one was silent is asked for when it cancels", since: 25 do
    producer = producer(dispatcher: :broadcast)
    asking(producer, first: 10)
    second = manual(:second, producer, cancel: :temporary)
    tell(stage(:first), {:ask, 5})
    [10] = demands(:producer)
    tell(second, {:cancel, :enough})
    [10, 5] = demands(:producer)
  end

  behaviour 151, "a selector by name: each gets its own events, and what it rejects is asked for again" do
    producer = producer(dispatcher: :broadcast)
    subscribe(consumer(), producer, max_demand: 4, min_demand: 0)
    settle()
    even = &Fixtures.ProbeStage.even?/1
    subscribe(consumer(role: :second), producer, max_demand: 4, min_demand: 0, selector: even)
    settle()
    tell(producer, {:emit, [1, 2, 3, 4]})
    {[1, 2, 3, 4], [2, 4]} = {events(:consumer), events(:second)}
  end

  behaviour 152, "a batch that is rejected as a whole comes as an empty one" do
    producer = producer(dispatcher: :broadcast)
    subscribe(consumer(answer: :manual), producer, selector: &Fixtures.ProbeStage.even?/1)
    tell(stage(:consumer), {:ask, 3})
    settle()
    tell(producer, {:emit, [1, 3, 5]})
    [[]] = batches(:consumer)
    tell(producer, {:emit, [6]})
    [[], [6]] = batches(:consumer)
  end

  behaviour 152, "an automatic consumer does nothing with an empty batch" do
    loosely()
    producer = producer(dispatcher: :broadcast, count: 40)
    subscribe(consumer(), producer, max_demand: 1, min_demand: 0, selector: &Fixtures.ProbeStage.even?/1)
    true = Enum.all?(batches(:consumer), &(length(&1) == 1))
    20 = length(events(:consumer))
  end

  behaviour 154, "a second subscription of a consumer is turned down, and does not end it" do
    producer = producer(dispatcher: :broadcast)
    consumer = consumer()
    subscribe(consumer, producer)
    settle()
    subscribe(consumer, producer)
    [{:cancel, :already_subscribed}] = cancels(:consumer)
    [{:cancel, :already_subscribed}] = cancels(:producer)
    true = lives?(consumer)
  end

  behaviour 155, "a selector that is none ends an Elixir producer", as: [:consumer] do
    producer = producer(dispatcher: :broadcast)
    subscribe(consumer(answer: :manual), producer, selector: :not_a_fun, cancel: :temporary)
    {%ArgumentError{}, _stack} = ended(producer)
    [{:down, {%ArgumentError{}, _}}] = cancels(:consumer)
  end

  behaviour 239, "a selector that exists with the producer lets through what it accepts" do
    loosely()
    producer = producer(dispatcher: :broadcast, count: 30)
    subscribe(consumer(), producer, max_demand: 10, min_demand: 5, selector: &Fixtures.ProbeStage.even?/1)
    15 = length(events(:consumer))
  end

  behaviour 240, "one that does not exist there ends an Elixir producer with the first event", as: [:consumer] do
    producer = producer(dispatcher: :broadcast)
    consumer = consumer()
    subscribe(consumer, producer, selector: &:fixtures.nothing/1, cancel: :temporary)
    settle()
    true = lives?(producer)
    catch_exit(fn -> tell(producer, {:emit, [1]}) end)
    {:undef, _stack} = ended(producer)
    [{:down, {:undef, _}}] = cancels(:consumer)
  end

  # PartitionDispatcher

  behaviour 156, "what a partition that is gone had asked for is owed to the others", since: 25 do
    producer = producer(dispatcher: {:partition, 2})
    first = manual(:first, producer, partition: 0, cancel: :temporary)
    second = manual(:second, producer, partition: 1, cancel: :temporary)
    tell(first, {:ask, 10})
    settle()
    tell(first, {:cancel, :enough})
    settle()
    tell(second, {:ask, 5})
    [10] = demands(:producer)
    tell(second, {:cancel, :enough})
    settle()
    tell(producer, {:emit, [1, 2, 3, 4]})
    0 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 157, "one partition gets what it asked for, and no more" do
    producer = producer(dispatcher: {:partition, 1})
    consumer = manual(:consumer, producer, partition: 0)
    tell(consumer, {:ask, 3})
    tell(consumer, {:ask, 3})
    settle()
    tell(producer, {:emit, [1]})
    tell(producer, {:emit, [2, 3, 4, 5, 6, 7, 8]})
    [[1], [2, 3, 4, 5, 6]] = batches(:consumer)
    2 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 158, "partitions with names, and a hash" do
    producer = producer(dispatcher: {:partition, [:odd, :even], :parity})
    odd = manual(:first, producer, partition: :odd)
    even = manual(:second, producer, partition: :even)
    for consumer <- [odd, even], do: tell(consumer, {:ask, 10})
    settle()
    tell(producer, {:emit, [1, 2, 3, 4, 5]})
    {[1, 3, 5], [2, 4]} = {events(:first), events(:second)}
  end

  behaviour 159, "a hash that gives none lets events vanish, and uses no demand" do
    producer = producer(dispatcher: {:partition, [:odd, :even], :parity})
    odd = manual(:first, producer, partition: :odd)
    tell(odd, {:ask, 4})
    settle()
    tell(producer, {:emit, [10, 1, 20, 3, 30, 5, 7, 9, 11]})
    [1, 3, 5, 7] = events(:first)
    2 = GenStage.estimate_buffered_count(producer)
  end

  behaviour 160, "events of a partition without a consumer wait for it" do
    producer = producer(dispatcher: {:partition, [:odd, :even], :parity})
    even = manual(:second, producer, partition: :even)
    tell(even, {:ask, 5})
    settle()
    tell(producer, {:emit, [1, 3, 5, 7, 9]})
    [] = events(:second)
    odd = manual(:first, producer, partition: :odd)
    tell(odd, {:ask, 5})
    [1, 3, 5, 7, 9] = events(:first)
  end

  behaviour 161, "events beyond a partition's demand wait in its queue" do
    producer = producer(dispatcher: {:partition, [:odd, :even], :parity})
    odd = manual(:first, producer, partition: :odd)
    even = manual(:second, producer, partition: :even)
    for consumer <- [odd, even], do: tell(consumer, {:ask, 5})
    settle()
    tell(producer, {:emit, [1, 3]})
    tell(producer, {:emit, [5, 7, 9, 11, 13, 15, 17, 19]})
    [[1, 3], [5, 7, 9]] = batches(:first)
    tell(odd, {:ask, 5})
    [11, 13, 15, 17, 19] = List.last(batches(:first))
  end

  behaviour 162, "a partition that is gone loses its queue, whose infos are delivered" do
    producer = producer(dispatcher: {:partition, [:odd, :even], :parity})
    odd = manual(:first, producer, partition: :odd, cancel: :temporary)
    even = manual(:second, producer, partition: :even)
    tell(even, {:ask, 3})
    settle()
    tell(producer, {:emit, [1, 3, 5]})
    GenStage.sync_info(producer, :info)
    [] = infos(:producer)
    tell(odd, {:cancel, :enough})
    [:info] = infos(:producer)
    [3, 3] = demands(:producer)
  end

  behaviour 163, "infos come at once when nothing is queued", as: [:producer] do
    producer = producer(dispatcher: {:partition, 2})
    GenStage.sync_info(producer, :info)
    [:info] = infos(:producer)
  end

  behaviour 164, "an info comes after the partition that was behind has been served" do
    producer = producer(dispatcher: {:partition, [:odd, :even], :parity})
    odd = manual(:first, producer, partition: :odd)
    even = manual(:second, producer, partition: :even)
    tell(even, {:ask, 2})
    settle()
    tell(producer, {:emit, [1, 3]})
    GenStage.sync_info(producer, :info)
    [] = infos(:producer)
    tell(odd, {:ask, 3})
    [1, 3] = events(:first)
    [:info] = infos(:producer)
  end

  behaviour 168, "a partition that is missing, unknown or taken ends an Elixir producer", as: [:consumer] do
    for {options, index} <- Enum.with_index([[], [partition: -1], [partition: 2], [partition: :oops]]) do
      producer = producer(role: :"producer#{index}", dispatcher: {:partition, 2})
      consumer = consumer(role: :"consumer#{index}", answer: :manual)
      subscribe(consumer, producer, [cancel: :temporary] ++ options)
      {%ArgumentError{}, _stack} = ended(producer)
    end
  end

  behaviour 169, "and all its other consumers get a DOWN with that error", as: [:consumer] do
    producer = producer(dispatcher: {:partition, 2})
    manual(:first, producer, partition: 0, cancel: :temporary)
    settle()
    manual(:second, producer, partition: 7, cancel: :temporary)
    {%ArgumentError{}, _stack} = ended(producer)
    await(:first, &match?([_, _], &1))
    [{:down, {%ArgumentError{}, _}}] = cancels(:first)
  end

  behaviour 158, "without a hash an event goes to the partition that phash2 gives, whatever it is" do
    producer = producer(dispatcher: {:partition, 4})

    for index <- 0..3 do
      tell(manual(:"partition#{index}", producer, partition: index), {:ask, 1000})
      settle()
    end

    events = terms()
    tell(producer, {:emit, events})

    for index <- 0..3 do
      expected = for event <- events, :erlang.phash2(event, 4) == index, do: event
      ^expected = events(:"partition#{index}")
      true = expected != []
    end
  end

  # Terms of every type that decode as themselves.
  defp terms do
    integers = for n <- 0..60, do: n * n * n * 7919 - 1_000_000
    large = for n <- 1..20, do: :erlang.bsl(1, n * 7) - 1
    floats = for n <- 1..20, do: n / 8 + 0.0625
    texts = for n <- 1..40, do: String.duplicate("é#{n}", rem(n, 5))
    atoms = for n <- 1..20, do: :"atom#{n}"
    tuples = for n <- 1..40, do: {:order, n, "sku-#{n}", [n, {n}]}
    maps = for n <- 1..40, do: %{id: n, lines: [%{"sku" => n}], total: n + 0.5}
    integers ++ large ++ floats ++ texts ++ atoms ++ tuples ++ maps ++ [nil, true, false, [], {}, %{}]
  end

  # A consumer that asks only when it is told to.
  defp manual(role, producer, options \\ []) do
    consumer = consumer(role: role, answer: :manual)
    subscribe(consumer, producer, options)
    settle()
    consumer
  end

  defp asking(producer, asks) do
    for {role, count} <- asks do
      tell(manual(role, producer), {:ask, count})
      settle()
    end
  end

  defp stage(role) do
    {^role, pid} = List.keyfind(Process.get(:stages), role, 0)
    pid
  end

  defp catch_exit(function) do
    function.()
  catch
    :exit, reason -> reason
  end
end
