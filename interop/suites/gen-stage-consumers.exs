defmodule Consumers do
  use Fixtures.Behaviours

  # Subscribing

  behaviour 76, "sync_subscribe gives a reference" do
    {:ok, tag} = GenStage.sync_subscribe(consumer(), to: producer())
    true = is_reference(tag)
  end

  behaviour 77, "a consumer that is dead cannot be told to subscribe", as: [:consumer] do
    consumer = consumer()
    Process.exit(consumer, :kill)
    :killed = ended(consumer)
    {:noproc, _call} = catch_exit(fn -> GenStage.sync_subscribe(consumer, to: producer()) end)
  end

  behaviour 78, "max_demand of 0 is refused, and nothing is sent" do
    {:error, {:bad_opts, text}} = GenStage.sync_subscribe(consumer(), to: producer(), max_demand: 0)
    "expected :max_demand to be equal to or greater than 1, got: 0" = text
    [] = seen(:producer)
  end

  behaviour 79, "min_demand of 2000 is refused unless max_demand is larger" do
    {:error, {:bad_opts, text}} = GenStage.sync_subscribe(consumer(), to: producer(), min_demand: 2000)
    "expected :min_demand to be equal to or less than 999, got: 2000" = text
    [] = seen(:producer)
  end

  behaviour 80, "a permanent subscription to a name that nobody has ends the consumer with noproc",
    as: [:consumer] do
    consumer = consumer()
    {:ok, tag} = GenStage.sync_subscribe(consumer, to: :nobody_here)
    true = is_reference(tag)
    :noproc = ended(consumer)
  end

  behaviour 81, "a permanent subscription to a dead producer ends the consumer with noproc" do
    consumer = consumer()
    producer = dead_producer()
    {:ok, tag} = GenStage.sync_subscribe(consumer, to: producer)
    true = is_reference(tag)
    :noproc = ended(consumer)
  end

  behaviour 82, "a temporary one to a name that nobody has leaves it alive", as: [:consumer] do
    consumer = consumer()
    {:ok, _tag} = GenStage.sync_subscribe(consumer, to: :nobody_here, cancel: :temporary)
    true = lives?(consumer)
    [] = seen(:consumer)
  end

  behaviour 83, "a temporary one to a dead producer leaves it alive" do
    consumer = consumer()
    {:ok, _tag} = GenStage.sync_subscribe(consumer, to: dead_producer(), cancel: :temporary)
    await(:consumer, &match?([_, _], &1))
    [{:down, :noproc}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 84, "a second subscription to a broadcast producer comes to nothing" do
    producer = producer(dispatcher: :broadcast)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 4)
    GenStage.sync_subscribe(consumer, to: producer, max_demand: 4)
    [{:cancel, :already_subscribed}] = cancels(:consumer)
    tell(producer, {:emit, [1, 2]})
    [1, 2] = events(:consumer)
    true = lives?(consumer) and lives?(producer)
  end

  behaviour 84, "nor does one that is made without waiting" do
    producer = producer(dispatcher: :broadcast)
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 4)
    :ok = GenStage.async_subscribe(consumer, to: producer, max_demand: 4)
    [{:cancel, :already_subscribed}] = cancels(:consumer)
    tell(producer, {:emit, [1, 2]})
    [1, 2] = events(:consumer)
    true = lives?(consumer) and lives?(producer)
  end

  behaviour 85, "a producer cannot be told to subscribe" do
    producer = producer()
    {:error, :not_a_consumer} = GenStage.sync_subscribe(producer, to: producer(role: :second))
    :ok = GenStage.async_subscribe(producer, to: consumer())
    true = lives?(producer)
  end

  behaviour 86, "sync_resubscribe replaces a temporary subscription" do
    producer = producer()
    consumer = consumer()
    old = subscribe(consumer, producer, cancel: :temporary)
    {:ok, new} = GenStage.sync_resubscribe(consumer, old, :replaced, to: producer, cancel: :temporary)
    true = is_reference(new) and new != old
    [{^producer, ^old}, {^producer, ^new}] = subscriptions(:consumer)
    [{:cancel, :replaced}] = cancels(:consumer)
    [{:cancel, :replaced}] = cancels(:producer)
    true = lives?(consumer)
  end

  behaviour 87, "with a tag that nobody knows it is a subscription like others" do
    producer = producer(count: 2)
    consumer = consumer()
    {:ok, _tag} = GenStage.sync_resubscribe(consumer, make_ref(), :replaced, to: producer, max_demand: 4)
    [0, 1] = events(:consumer)
    [] = cancels(:producer)
  end

  behaviour 88, "sync_resubscribe refuses what sync_subscribe refuses" do
    producer = producer()
    consumer = consumer()
    old = subscribe(consumer, producer)

    {:error, {:bad_opts, _}} =
      GenStage.sync_resubscribe(consumer, old, :replaced, to: producer, max_demand: 0)

    {:error, {:bad_opts, _}} =
      GenStage.sync_resubscribe(consumer, old, :replaced, to: producer, min_demand: 2000)

    [_] = subscriptions(:consumer)
  end

  behaviour 89, "async_resubscribe replaces a temporary subscription" do
    producer = producer()
    consumer = consumer()
    old = subscribe(consumer, producer, cancel: :temporary)
    :ok = GenStage.async_resubscribe(consumer, old, :replaced, to: producer, cancel: :temporary)
    [{^producer, ^old}, {^producer, new}] = subscriptions(:consumer)
    true = new != old
    true = lives?(consumer)
  end

  behaviour 90, "async_resubscribe with a tag that nobody knows works" do
    producer = producer(count: 2)
    consumer = consumer()
    :ok = GenStage.async_resubscribe(consumer, make_ref(), :replaced, to: producer, max_demand: 4)
    [0, 1] = events(:consumer)
  end

  behaviour 91, "replacing a permanent subscription ends the consumer with the given reason" do
    producer = producer()
    consumer = consumer()
    old = subscribe(consumer, producer)
    settle()
    {:ok, _tag} = GenStage.sync_resubscribe(consumer, old, :replaced, to: producer)
    :replaced = ended(consumer)
    await(:producer, &(length(Enum.filter(&1, fn entry -> elem(entry, 0) == :handle_cancel end)) == 2))
    either(:noproc, :replaced)
    [{:cancel, :replaced}, {:down, reason}] = cancels(:producer)
    true = reason in [:replaced, :noproc]
  end

  # Callbacks of a consumer, and how subscriptions end

  behaviour 103, "handle_subscribe of a consumer gets the producer's side of it" do
    producer = producer()
    consumer = consumer()
    tag = subscribe(consumer, producer, max_demand: 5, cancel: :transient)
    [{:handle_subscribe, :producer, [max_demand: 5, cancel: :transient], {^producer, ^tag}}] = seen(:consumer)
  end

  behaviour 104, "a consumer that answers a subscription with an unknown mode ends" do
    consumer = consumer(answer: :unknown)
    either(:noproc, {:bad_return_value, :unknown})
    GenStage.async_subscribe(consumer, to: producer())
    {:bad_return_value, _} = ended(consumer)
    await(:producer, &match?([_, {:handle_cancel, {:down, _}, _}], &1))
  end

  behaviour 105, "temporary: the consumer is told of a cancel, and lives" do
    {consumer, _producer} = cancelled(:temporary, :oops)
    [{:cancel, :oops}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 106, "transient: a cancel with normal leaves the consumer alive" do
    {consumer, _producer} = cancelled(:transient, :normal)
    [{:cancel, :normal}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 107, "transient: any other reason, of any type, is the consumer's own" do
    for reason <- [:oops, "oops", {:down, :noproc}, [1, 2, 3], %{"why" => 1.5}, {:shutdown, 1, 2}] do
      {consumer, _producer} = cancelled(:transient, reason)
      ^reason = ended(consumer)
      {:cancel, ^reason} = List.last(cancels(:consumer))
    end
  end

  behaviour 107, "transient: shutdown with a note leaves it alive, as normal and shutdown do" do
    {consumer, _producer} = cancelled(:transient, {:shutdown, "done"})
    true = lives?(consumer)
  end

  behaviour 108, "permanent: every reason, of any type, is the consumer's own" do
    for reason <- [:normal, :bye, "bye", {:a, "b", 1}, :unknown_subscription] do
      {consumer, _producer} = cancelled(:permanent, reason)
      ^reason = ended(consumer)
      {:cancel, ^reason} = List.last(cancels(:consumer))
    end
  end

  behaviour 109, "temporary: a producer that is killed leaves the consumer alive" do
    consumer = killed(:temporary)
    [{:down, :killed}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 110, "transient: a producer that is killed takes the consumer along" do
    :killed = ended(killed(:transient))
    [{:down, :killed}] = cancels(:consumer)
  end

  behaviour 111, "permanent: a producer that is killed takes the consumer along" do
    :killed = ended(killed(:permanent))
    [{:down, :killed}] = cancels(:consumer)
  end

  behaviour 112, "transient: a producer that ends with shutdown leaves the consumer alive" do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, cancel: :transient)
    settle()
    tell(producer, {:stop, :shutdown})
    await(:consumer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    [{:down, :shutdown}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 115, "events that a consumer returns go nowhere, and it goes on" do
    producer = producer(count: 4)
    consumer = consumer(on_events: :returns_events)
    subscribe(consumer, producer, max_demand: 2)
    [0, 1, 2, 3] = events(:consumer)
    :ok = tell(consumer, {:emit, [:returned]})
    true = lives?(consumer)
  end

  behaviour 115, "a consumer may stop after a batch" do
    producer = producer(count: 4)
    consumer = consumer(on_events: {:stop, :enough})
    subscribe(consumer, producer, max_demand: 2, min_demand: 0)
    :enough = ended(consumer)
    await(:producer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    [{:down, :enough}] = cancels(:producer)
    [[0, 1]] = batches(:consumer)
  end

  behaviour 116, "the status of a consumer shows its stage type and its producers", as: [:consumer] do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer)
    {:status, ^consumer, _module, [_dictionary, _state, _parent, _debug, misc]} = :sys.get_status(consumer)

    shown =
      for {:data, pairs} <- List.flatten(misc),
          {name, value} <- pairs,
          into: %{},
          do: {to_string(name), value}

    [] = ["Producers", "Stage", "State"] -- Map.keys(shown)
    {:consumer, [^producer]} = {shown["Stage"], shown["Producers"]}
  end

  # Errors in the protocol

  behaviour 117, "a tag that is in use is refused, and the subscription that has it goes on", as: [:producer] do
    producer = producer(count: 10)
    to_producer(producer, :tag, {:subscribe, nil, []})
    to_producer(producer, :tag, {:subscribe, nil, [max_demand: 2]})
    {:"$gen_consumer", {^producer, :tag}, {:cancel, :duplicated_subscription}} = got()
    to_producer(producer, :tag, {:ask, 2})
    {:"$gen_consumer", {^producer, :tag}, [0, 1]} = got()
  end

  behaviour 118, "an ask under an unknown tag is answered with a cancel", as: [:producer] do
    producer = producer(count: 10)
    to_producer(producer, :no_tag, {:ask, 2})
    {:"$gen_consumer", {^producer, :no_tag}, {:cancel, :unknown_subscription}} = got()
    [] = demands(:producer)
  end

  behaviour 119, "a cancel under an unknown tag is not answered", as: [:producer] do
    producer = producer()
    to_producer(producer, :no_tag, {:cancel, :normal})
    true = got_nothing()
    [] = cancels(:producer)
  end

  behaviour 120, "a consumer does not answer what is for producers", as: [:consumer] do
    consumer = consumer()
    to_producer(consumer, :tag, {:subscribe, nil, []})
    to_producer(consumer, :tag, {:ask, 1})
    true = got_nothing()
    true = lives?(consumer)
    [] = seen(:consumer)
  end

  behaviour 121, "events under an unknown tag are answered with a cancel and not handled", as: [:consumer] do
    consumer = consumer()
    to_consumer(consumer, :no_tag, [1, 2])
    {:"$gen_producer", {^consumer, :no_tag}, {:cancel, :unknown_subscription}} = got()
    [] = seen(:consumer)
  end

  behaviour 122, "a producer does not answer what is for consumers", as: [:producer] do
    producer = producer()
    to_consumer(producer, :tag, [1])
    true = got_nothing()
    true = lives?(producer)
    [] = seen(:producer)
  end

  behaviour 123, "unknown operations are passed to handle_info" do
    producer = producer()
    consumer = consumer()

    for {stage, kind} <- [{producer, :"$gen_producer"}, {consumer, :"$gen_consumer"}] do
      for operation <- [{:ask, :many}, {:notification, 1}, :what],
          do: send(stage, {kind, {self(), :tag}, operation})
    end

    [{_, _, {:ask, :many}}, {_, _, {:notification, 1}}, {_, _, :what}] = infos(:producer)
    [{_, _, {:ask, :many}}, {_, _, {:notification, 1}}, {_, _, :what}] = infos(:consumer)
  end

  behaviour 124, "a tag may be any term, and comes back as it was", as: [:producer] do
    for tag <- [{:a, "b", [1, 2.5], %{c: nil}}, "tag", 1.5, 1, [1, 2, 3], [{:a, 1}], nil, make_ref()] do
      producer = producer(count: 3)
      to_producer(producer, tag, {:subscribe, nil, []})
      to_producer(producer, tag, {:ask, 3})
      {:"$gen_consumer", {^producer, events_tag}, [0, 1, 2]} = got()
      to_producer(producer, tag, {:cancel, :enough})
      {:"$gen_consumer", {^producer, cancel_tag}, {:cancel, :enough}} = got()
      {true, true} = {events_tag === tag, cancel_tag === tag}
    end
  end

  behaviour 124, "a tag of two references, as those of GenStage.stream", as: [:producer] do
    tag = {make_ref(), make_ref()}
    producer = producer(count: 1)
    to_producer(producer, tag, {:subscribe, nil, []})
    to_producer(producer, tag, {:ask, 3})
    {:"$gen_consumer", {^producer, ^tag}, [0]} = got()
  end

  behaviour 125, "a cancel may come from somebody else, and is confirmed to the consumer", as: [:producer] do
    producer = producer()
    to_producer(producer, :tag, {:subscribe, nil, []})
    somebody = spawn(fn -> send(producer, {:"$gen_producer", {self(), :tag}, {:cancel, :no_more}}) end)
    watch(:runner, somebody)
    {:"$gen_consumer", {^producer, :tag}, {:cancel, :no_more}} = got()
  end

  behaviour 126, "more events than were asked for are handled, but not asked for again", as: [:consumer] do
    {consumer, tag} = subscribed_by_hand(max_demand: 4, min_demand: 2)
    {:"$gen_producer", {^consumer, ^tag}, {:ask, 4}} = got()
    to_consumer(consumer, tag, [1, 2, 3, 4, 5, 6, 7])
    {:"$gen_producer", {^consumer, ^tag}, {:ask, 2}} = got()
    {:"$gen_producer", {^consumer, ^tag}, {:ask, 2}} = got()
    true = got_nothing()
    [[1, 2], [3, 4], [5, 6], [7]] = batches(:consumer)
  end

  behaviour 127, "already_subscribed never ends a consumer", as: [:consumer] do
    {consumer, tag} = subscribed_by_hand([])
    to_consumer(consumer, tag, {:cancel, :already_subscribed})
    [{:cancel, :already_subscribed}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 126, "a batch of small integers is a list of them, and an empty one is no event", as: [:consumer] do
    {consumer, tag} = subscribed_by_hand(max_demand: 4, min_demand: 2)
    to_consumer(consumer, tag, [])
    to_consumer(consumer, tag, [104, 105])
    [[104, 105]] = batches(:consumer)
  end

  behaviour 126, "a manual consumer is given an empty batch", as: [:consumer] do
    {consumer, tag} = subscribed_by_hand([], answer: :manual)
    to_consumer(consumer, tag, [])
    [[]] = batches(:consumer)
  end

  behaviour 126, "a batch smaller than the minimum is nothing special", as: [:consumer] do
    {consumer, tag} = subscribed_by_hand(max_demand: 10, min_demand: 5)
    for event <- 1..5, do: to_consumer(consumer, tag, [event])
    {:"$gen_producer", _, {:ask, 10}} = got()
    {:"$gen_producer", _, {:ask, 5}} = got()
    [[1], [2], [3], [4], [5]] = batches(:consumer)
  end

  behaviour 117, "the subscription comes before the first ask, and asks after a cancel are refused" do
    producer = producer()
    consumer = consumer(answer: :manual)
    subscribe(consumer, producer, cancel: :temporary)
    tell(consumer, {:ask, 1})
    tell(consumer, {:cancel, :bye})
    tell(consumer, {:ask, 1})
    [1] = demands(:producer)
    [{:cancel, :bye}] = cancels(:consumer)
    true = lives?(consumer)
  end

  behaviour 103, "one consumer may have several subscriptions to one producer, each with its own demand" do
    producer = producer()
    consumer = consumer()
    first = subscribe(consumer, producer, max_demand: 4, min_demand: 0)
    settle()
    second = subscribe(consumer, producer, max_demand: 2, min_demand: 0)
    [^first, ^second] = for {_peer, tag} <- subscriptions(:consumer), do: tag
    tell(producer, {:emit, Enum.to_list(1..12)})
    [[1, 2, 3, 4] | _] = for {:handle_events, events, {_, ^first}} <- seen(:consumer), do: events
    [[5, 6] | _] = for {:handle_events, events, {_, ^second}} <- seen(:consumer), do: events
    12 = length(events(:consumer))
  end

  behaviour 238, "a subscription to a consumer, or to no stage at all, stays without an answer",
    as: [:consumer] do
    consumer = consumer()
    other = consumer(role: :second)
    subscribe(consumer, other)
    [{^other, _tag}] = subscriptions(:consumer)
    [] = seen(:second)
    true = lives?(consumer)
    nobody = spawn(fn -> receive(do: (:end -> :ok)) end)
    watch(:runner, nobody)
    subscribe(other, nobody, cancel: :temporary)
    send(nobody, :end)
    await(:second, &match?([_, {:handle_cancel, {:down, :normal}, {^nobody, _}}], &1))
  end

  defp dead_producer do
    producer = producer()
    Process.exit(producer, :kill)
    :killed = ended(producer)
    producer
  end

  defp cancelled(mode, reason) do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, cancel: mode)
    settle()
    tell(consumer, {:cancel, reason})
    settle()
    {consumer, producer}
  end

  defp killed(mode) do
    producer = producer(count: 3)
    consumer = consumer()
    subscribe(consumer, producer, cancel: mode)
    [0, 1, 2] = events(:consumer)
    Process.exit(producer, :kill)
    await(:consumer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    consumer
  end

  # A consumer of which this process is the producer.
  defp subscribed_by_hand(options, stage \\ []) do
    consumer = consumer(stage)
    tag = subscribe(consumer, self(), options)
    {:"$gen_producer", {^consumer, ^tag}, {:subscribe, nil, ^options}} = got()
    {consumer, tag}
  end

  defp catch_exit(function) do
    function.()
  catch
    :exit, reason -> reason
  end
end
