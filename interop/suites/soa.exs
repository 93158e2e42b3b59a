# The asking side of soa.interop.ts: a node of its own that asks the company service as GenServer.call does, but keeps every
# answer that comes, so that a second answer to one request would be seen.
defmodule Asker do
  use GenServer

  def start(company), do: GenServer.start(__MODULE__, company)

  @doc "Asks for one company `count` times at once."
  def ask(asker, count, opts \\ []), do: GenServer.call(asker, {:ask, count, opts})

  @doc "Asks again for every answer that comes, so that `count` requests are in work until `rest/1`."
  def load(asker, count), do: GenServer.call(asker, {:load, count})
  def rest(asker), do: GenServer.call(asker, :rest)

  @doc "How many requests were answered with the record, with `unavailable`, or otherwise; and how many more than once."
  def summary(asker), do: GenServer.call(asker, :summary)

  @impl true
  def init(company), do: {:ok, %{intake: {Company.Intake, company}, open: MapSet.new(), answers: %{}, asked: 0, load: nil}}

  @impl true
  def handle_call({:ask, count, opts}, _from, state) do
    {:reply, nil, Enum.reduce(1..count, state, fn _, state -> send_request(state, opts) end)}
  end

  def handle_call({:load, count}, _from, state) do
    {:reply, nil, Enum.reduce(1..count, %{state | load: true}, fn _, state -> send_request(state, []) end)}
  end

  def handle_call(:rest, _from, state), do: {:reply, nil, %{state | load: nil}}

  def handle_call(:summary, _from, state) do
    all = Map.values(state.answers)
    kinds = Enum.frequencies_by(all, &kind(hd(&1)))
    twice = Enum.count(all, &match?([_, _ | _], &1))
    summary = %{asked: state.asked, open: MapSet.size(state.open), twice: twice, record: 0, unavailable: 0, other: 0}
    {:reply, Map.merge(summary, kinds), state}
  end

  @impl true
  def handle_info({ref, answer}, state) when is_reference(ref) do
    answers = Map.update(state.answers, ref, [answer], &[answer | &1])
    state = %{state | answers: answers, open: MapSet.delete(state.open, ref)}
    {:noreply, if(state.load, do: send_request(state, []), else: state)}
  end

  # The tag is no alias: whatever is sent under it arrives.
  defp send_request(state, opts) do
    ref = make_ref()
    request = {:get, Keyword.get(opts, :id, "Company1"), Keyword.get(opts, :deadline, 20_000)}
    send(state.intake, {:"$gen_call", {self(), ref}, request})
    %{state | open: MapSet.put(state.open, ref), asked: state.asked + 1}
  end

  defp kind({:error, :underwriting_unavailable}), do: :unavailable
  defp kind(answer), do: if(answer === record(), do: :record, else: :other)

  def record do
    %{
      name: "Company1",
      address: "123 4th Avenue",
      city: "Salt Lake City",
      state: "UT",
      zip: "84014",
      underwriting_score: %{score: "450"}
    }
  end
end

nil
