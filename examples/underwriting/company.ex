# The company service in Elixir: what company.ts is in TypeScript. How to run it stands in README.md.
defmodule Company do
  @moduledoc "Answers what is known of a company. Its score comes from the underwriting service."

  @doc "The record of a company, or `{:error, :underwriting_unavailable}` when the deadline is over."
  def get(id, node \\ node(), deadline_ms \\ 5_000) do
    GenStage.call({Company.Intake, node}, {:get, id, deadline_ms}, :infinity)
  end

  @doc "Runs the service; does not return. `scorers` are the names and nodes of the stages that score."
  def serve(scorers) do
    children = [Company.Intake, {Company.Assembler, scorers}]
    # Scorers that crash take the assembler along: it must bear more of that than their own supervisor does.
    options = [strategy: :rest_for_one, max_restarts: 50, name: Company.Supervisor]
    {:ok, _} = Supervisor.start_link(children, options)
    IO.puts("company is open at #{node()}")
    Process.sleep(:infinity)
  end
end

defmodule Company.Intake do
  @moduledoc "Holds requests until scorers ask for them. Each is answered once: by who claims it, or at its deadline."
  use GenStage

  def start_link(_), do: GenStage.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    # `open`: who waits for an answer, with the timer of the deadline. `queue`: what no scorer has asked for yet.
    figures = %{asked: 0, most_demand: 0, handed_out: 0, answered: 0, unavailable: 0, late: 0, scorers: 0}
    {:producer, Map.merge(figures, %{open: %{}, queue: :queue.new(), demand: 0})}
  end

  @impl true
  def handle_demand(demand, state) do
    demand = state.demand + demand
    emit(%{state | demand: demand, most_demand: max(state.most_demand, demand)})
  end

  @impl true
  def handle_call({:get, id, deadline_ms}, from, state) do
    timer = Process.send_after(self(), {:deadline, from}, deadline_ms)
    open = Map.put(state.open, from, timer)
    emit(%{state | asked: state.asked + 1, open: open, queue: :queue.in({id, from}, state.queue)})
  end

  # Whoever wants to answer asks who still waits: what was scored twice, or too late, is answered once all the same.
  def handle_call({:claim, froms}, _from, state) do
    {claimed, late} = Enum.split_with(froms, &is_map_key(state.open, &1))
    Enum.each(claimed, &Process.cancel_timer(state.open[&1]))
    answered = state.answered + length(claimed)
    state = %{state | open: Map.drop(state.open, claimed), answered: answered, late: state.late + length(late)}
    {:reply, claimed, [], state}
  end

  def handle_call(:figures, _from, state) do
    counted = %{open: map_size(state.open), queued: :queue.len(state.queue)}
    {:reply, state |> Map.drop([:queue]) |> Map.merge(counted), [], state}
  end

  @impl true
  def handle_info({:deadline, from}, state) when is_map_key(state.open, from) do
    GenStage.reply(from, {:error, :underwriting_unavailable})
    {:noreply, [], %{state | open: Map.delete(state.open, from), unavailable: state.unavailable + 1}}
  end

  def handle_info({:deadline, _answered_already}, state), do: {:noreply, [], state}
  def handle_info(:emit, state), do: emit(state)

  @impl true
  def handle_subscribe(:consumer, _options, _scorer, state) do
    send(self(), :emit)
    {:automatic, %{state | scorers: state.scorers + 1}}
  end

  @impl true
  def handle_cancel(_reason, _scorer, state), do: {:noreply, [], %{state | scorers: state.scorers - 1}}

  defp emit(state, requests \\ [])

  # The demand of scorers that are gone stays; without any, what was emitted would wait in the stage's own buffer, deadline or not.
  defp emit(%{demand: demand, scorers: scorers} = state, requests) when demand > 0 and scorers > 0 do
    case :queue.out(state.queue) do
      {{:value, {_id, from} = request}, queue} when is_map_key(state.open, from) ->
        emit(%{state | queue: queue, demand: demand - 1, handed_out: state.handed_out + 1}, [request | requests])

      {{:value, _nobody_waits_for_it}, queue} ->
        emit(%{state | queue: queue}, requests)

      {:empty, _} ->
        {:noreply, Enum.reverse(requests), state}
    end
  end

  defp emit(state, requests), do: {:noreply, Enum.reverse(requests), state}
end

defmodule Company.Assembler do
  @moduledoc "Builds the records from what comes scored, and answers."
  use GenStage

  @retry_ms 100

  def start_link(scorers), do: GenStage.start_link(__MODULE__, scorers, name: __MODULE__)

  @impl true
  def init(scorers) do
    Enum.each(scorers, &send(self(), {:subscribe, &1}))
    {:consumer, %{assembled: 0}}
  end

  @impl true
  def handle_events(scored, _from, state) do
    claimed = MapSet.new(GenStage.call(Company.Intake, {:claim, for({_id, from, _score} <- scored, do: from)}))
    for {id, from, score} <- scored, from in claimed, do: GenStage.reply(from, record(id, score))
    {:noreply, [], %{state | assembled: state.assembled + length(scored)}}
  end

  @impl true
  def handle_info({:subscribe, scorer}, state) do
    GenStage.async_subscribe(self(), to: scorer, cancel: :temporary, max_demand: 10, min_demand: 5)
    {:noreply, [], state}
  end

  @impl true
  def handle_cast({:subscribe, scorer}, state), do: handle_info({:subscribe, scorer}, state)

  # As `cancel: :transient` has it, but that a scorer which is away is waited for.
  @impl true
  def handle_cancel({:down, away}, {scorer, _tag}, state) when away in [:noconnection, :noproc, :shutdown] do
    Process.send_after(self(), {:subscribe, scorer}, @retry_ms)
    {:noreply, [], state}
  end

  def handle_cancel({_, :normal}, _from, state), do: {:noreply, [], state}
  def handle_cancel({_, crash}, _from, state), do: {:stop, crash, state}

  defp record(id, score) do
    %{
      name: id,
      address: "123 4th Avenue",
      city: "Salt Lake City",
      state: "UT",
      zip: "84014",
      underwriting_score: score
    }
  end
end
