# What the measuring node and a BEAM peer have in common: the events, and the stages that they run.
defmodule Bench.Event do
  @moduledoc "Events by number: the integer itself, or an order with it as `id`."

  @doc "Ten atom keys, 290 bytes as a term: short strings, integers, a float, two lists."
  def order(id) do
    %{
      id: id,
      sku: "sku-000042",
      name: "Walking boots, brown, size 42",
      email: "someone.else@example.com",
      status: "pending",
      quantity: 3,
      price: 19.99,
      warehouse: "eu-central-1",
      tags: ["outdoor", "leather", "sale", "men"],
      sizes: [410, 420, 430, 440, 450]
    }
  end

  def between(:integers, first, last), do: Enum.to_list(first..last//1)
  def between(:maps, first, last), do: for(id <- first..last//1, do: order(id))

  @doc "The sum of the events' numbers."
  def sum(events, sum), do: Enum.reduce(events, sum, &(number(&1) + &2))

  @doc "What `sum/2` of the first `count` events has to be."
  def sum_of_first(count), do: div(count * (count + 1), 2)

  defp number(%{id: id}), do: id
  defp number(integer), do: integer
end

defmodule Bench.Producer do
  @moduledoc "Emits the events 1 to `count` once it is told to forward demand, and then nothing."
  use GenStage

  def init({kind, count, dispatcher}),
    do: {:producer, {kind, 1, count}, demand: :accumulate, dispatcher: dispatcher}

  def handle_demand(demand, {kind, next, count}) do
    last = min(next + demand - 1, count)
    {:noreply, Bench.Event.between(kind, next, last), {kind, last + 1, count}}
  end

  @doc "One consumer shares the events with nobody; several get all of them."
  def dispatcher(1), do: GenStage.DemandDispatcher
  def dispatcher(_consumers), do: GenStage.BroadcastDispatcher
end

defmodule Bench.Consumer do
  @moduledoc "Tells `report_to` `{:consumed, count, sum}` when it has got `count` events. Ends when its producer does."
  use GenStage

  def init({producer, max_demand, count, report_to}),
    do: {:consumer, {0, 0, count, report_to}, subscribe_to: [{producer, max_demand: max_demand}]}

  def handle_events(events, _from, {seen, sum, count, report_to}) do
    {seen, sum} = {seen + length(events), Bench.Event.sum(events, sum)}
    if seen == count, do: send(report_to, {:consumed, seen, sum})
    {:noreply, [], {seen, sum, count, report_to}}
  end
end
