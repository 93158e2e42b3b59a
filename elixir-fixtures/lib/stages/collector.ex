defmodule Fixtures.Collector do
  @moduledoc """
  A GenStage consumer that counts what it gets and checks its order.

  Options: `:name`; `:delay` (0), milliseconds that each batch takes; `:keep` (0), how many of the first events to
  keep; `:subscribe_to` as in GenStage.
  """
  use GenStage

  def start(opts \\ []), do: GenStage.start(__MODULE__, opts, Keyword.take(opts, [:name]))

  @doc "Subscribes; options as for `GenStage.sync_subscribe/2`, such as `max_demand: 10, cancel: :temporary`."
  def subscribe(collector, producer, opts \\ []) do
    GenStage.sync_subscribe(collector, [to: producer] ++ opts)
  end

  @doc """
  What was seen so far.

    * `count`, `batches`, `largest_batch`
    * `first`, `last`: the first and the last event
    * `in_order`: each event was the integer after the one before it
    * `digest`: SHA-256 over the events with a line end after each (binaries as they are, others as `inspect/1` has
      them); of a file's lines it is the digest of the file
    * `cancelled`: the reasons of ended subscriptions, newest first
    * `kept`: the first events
  """
  def summary(collector), do: GenStage.call(collector, :summary, :infinity)

  @doc "Waits for `count` events, or for the end of a subscription, and returns the summary."
  def await(collector, count, timeout \\ 60_000), do: GenStage.call(collector, {:await, count}, timeout)

  @impl true
  def init(opts) do
    state = %{
      delay: Keyword.get(opts, :delay, 0),
      keep: Keyword.get(opts, :keep, 0),
      hash: :crypto.hash_init(:sha256),
      waiting: [],
      seen: %{
        count: 0,
        batches: 0,
        largest_batch: 0,
        first: nil,
        last: nil,
        in_order: true,
        cancelled: [],
        kept: []
      }
    }

    {:consumer, state, Keyword.take(opts, [:subscribe_to])}
  end

  @impl true
  def handle_events(events, _from, state) do
    if state.delay > 0, do: Process.sleep(state.delay)
    hash = :crypto.hash_update(state.hash, Enum.map(events, &[text(&1), ?\n]))
    {:noreply, [], answer_waiting(%{state | hash: hash, seen: see(state.seen, events, state.keep)})}
  end

  @impl true
  def handle_cancel(reason, _from, state) do
    seen = %{state.seen | cancelled: [reason | state.seen.cancelled]}
    {:noreply, [], answer_waiting(%{state | seen: seen})}
  end

  @impl true
  def handle_call(:summary, _from, state), do: {:reply, summarise(state), [], state}

  def handle_call({:await, count}, from, state) do
    {:noreply, [], answer_waiting(%{state | waiting: [{count, from} | state.waiting]})}
  end

  defp see(seen, [first | _] = events, keep) do
    size = length(events)

    %{
      seen
      | count: seen.count + size,
        batches: seen.batches + 1,
        largest_batch: max(seen.largest_batch, size),
        first: if(seen.count == 0, do: first, else: seen.first),
        last: List.last(events),
        in_order: seen.in_order and consecutive?(if(seen.count == 0, do: events, else: [seen.last | events])),
        kept: seen.kept ++ Enum.take(events, (keep - length(seen.kept)) |> max(0))
    }
  end

  defp see(seen, [], _keep), do: seen

  defp consecutive?([one, next | rest]) when is_integer(one) and next === one + 1,
    do: consecutive?([next | rest])

  defp consecutive?([one]), do: is_integer(one)
  defp consecutive?(_events), do: false

  defp answer_waiting(%{waiting: []} = state), do: state

  defp answer_waiting(%{seen: seen} = state) do
    ready? = fn {count, _from} -> seen.count >= count or seen.cancelled != [] end
    {ready, waiting} = Enum.split_with(state.waiting, ready?)
    for {_count, from} <- ready, do: GenStage.reply(from, summarise(state))
    %{state | waiting: waiting}
  end

  defp summarise(state) do
    Map.put(state.seen, :digest, Base.encode16(:crypto.hash_final(state.hash), case: :lower))
  end

  defp text(event) when is_binary(event), do: event
  defp text(event), do: inspect(event, limit: :infinity, printable_limit: :infinity)
end
