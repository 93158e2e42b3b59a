defmodule Faults do
  use Fixtures.Behaviours

  # Names of other nodes

  behaviour 231, "by name and node: subscription and first ask go to the name, later asks to who sent events",
    as: [:consumer] do
    producer = producer(count: 12)
    front = front(producer, :probe_front)
    subscribe(consumer(), {:probe_front, node()}, max_demand: 4, min_demand: 0)
    12 = length(events(:consumer))
    [{:subscribe, nil, [max_demand: 4, min_demand: 0]}, {:ask, 4}] = passed(front)
    [^producer] = Enum.uniq(for {:handle_events, _events, {peer, _tag}} <- seen(:consumer), do: peer)
    [{{:probe_front, node}, _tag}] = subscriptions(:consumer)
    true = node == node()
  end

  behaviour 231, "a producer of that name serves a consumer", as: [:producer] do
    producer(name: :probe_named, count: 12)
    subscribe(consumer(), named(:producer, :probe_named), max_demand: 4, min_demand: 2)
    12 = length(events(:consumer))
  end

  behaviour 231, "a stage in the middle asks at the name for ever", as: [:middle] do
    producer = producer(count: 12)
    front = front(producer, :probe_front)
    middle = middle()
    subscribe(middle, {:probe_front, node()}, max_demand: 4, min_demand: 0)
    subscribe(consumer(), middle, max_demand: 100)
    12 = length(events(:consumer))
    [{:subscribe, nil, _options}, {:ask, 4}, {:ask, 4}, {:ask, 4}, {:ask, 4}] = passed(front)
  end

  behaviour 232, "a name that nobody has over there: the subscription ends with noproc, by its mode" do
    name = named(:producer, :nobody_there)

    for {mode, index} <- Enum.with_index([:permanent, :transient, :temporary]) do
      role = :"consumer#{index}"
      consumer = consumer(role: role)
      {:ok, _tag} = GenStage.sync_subscribe(consumer, to: name, cancel: mode)

      await(
        role,
        &({:handle_cancel, {:down, :noproc}, name} in Enum.map(&1, fn entry -> with_peer(entry) end))
      )

      if mode == :temporary, do: true = lives?(consumer), else: :noproc = ended(consumer)
    end
  end

  behaviour 233, "a node that cannot be reached: the subscription ends with noconnection, by its mode",
    as: [:consumer] do
    for {mode, index} <- Enum.with_index([:permanent, :transient, :temporary]) do
      role = :"consumer#{index}"
      consumer = consumer(role: role)
      {:ok, _tag} = GenStage.sync_subscribe(consumer, to: {:any, :"nobody@127.0.0.1"}, cancel: mode)
      await(role, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
      [{:down, :noconnection}] = cancels(role)
      if mode == :temporary, do: true = lives?(consumer), else: :noconnection = ended(consumer)
    end
  end

  # The connection

  behaviour 236,
            "a lost connection ends the subscription for both; what is emitted waits for one that is made anew",
            since: 25 do
    producer = producer()
    consumer = consumer()
    subscribe(consumer, producer, max_demand: 4, cancel: :temporary)
    tell(producer, {:emit, [1]})
    [1] = events(:consumer)
    cut()
    await(:producer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    await(:consumer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    {[{:down, :noconnection}], [{:down, :noconnection}]} = {cancels(:producer), cancels(:consumer)}
    tell(producer, {:emit, [2, 3]})
    [1] = events(:consumer)
    subscribe(consumer, producer, max_demand: 4, cancel: :temporary)
    [1, 2, 3] = events(:consumer)
    true = lives?(producer) and lives?(consumer)
  end

  behaviour 234, "a lost connection ends a permanent and a transient consumer with noconnection" do
    for {mode, index} <- Enum.with_index([:permanent, :transient]) do
      {producer_role, consumer_role} = {:"producer#{index}", :"consumer#{index}"}
      producer = producer(role: producer_role)
      consumer = consumer(role: consumer_role)
      subscribe(consumer, producer, cancel: mode)
      settle()
      cut()
      await(consumer_role, &({:terminate, :noconnection} in &1))
      await(producer_role, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
      true = lives?(producer)
    end
  end

  behaviour 235, "what a consumer whose node is lost had asked for is owed to the next" do
    producer = producer()
    first = consumer(role: :first, answer: :manual)
    subscribe(first, producer, cancel: :temporary)
    tell(first, {:ask, 10})
    [10] = demands(:producer)
    cut()
    await(:producer, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    await(:first, &Enum.any?(&1, fn entry -> elem(entry, 0) == :handle_cancel end))
    second = consumer(role: :second, answer: :manual)
    subscribe(second, producer, cancel: :temporary)
    tell(second, {:ask, 12})
    [10, 2] = demands(:producer)
  end

  # Calls

  behaviour 241, "an answer carries the tag of its call, be it a reference or an alias",
    as: [:producer],
    since: 25 do
    producer = producer()
    plain = make_ref()
    send(producer, {:"$gen_call", {self(), plain}, :"$estimate_buffered_count"})
    receive(do: ({^plain, 0} -> :ok))
    alias = :erlang.alias()
    send(producer, {:"$gen_call", {self(), [:alias | alias]}, :"$estimate_buffered_count"})
    receive(do: ({[:alias | ^alias], 0} -> :ok))
  end

  defp with_peer({:handle_cancel, reason, {peer, _tag}}), do: {:handle_cancel, reason, peer}
  defp with_peer(entry), do: entry
end
