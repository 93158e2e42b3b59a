# The underwriting service in Elixir: what underwriting.ts is in TypeScript. How to run it stands in README.md.
defmodule Underwriting do
  @moduledoc "Scores companies."
  use Application

  @doc """
  Starts the service with its scorers 1 to `count`, which take their work from the company service's node.

  `restart`: whether a scorer that has ended is started again; `start_type`: what it means for the node if their supervisor gives up.
  """
  def serve(company, count, restart \\ :transient, start_type \\ :permanent) do
    spec = [mod: {Underwriting, {company, count, restart}}, applications: [:kernel, :stdlib, :elixir]]
    :ok = :application.load({:application, :underwriting, spec})
    # `:permanent`: if its tree gives up, the node ends: what runs nodes starts another one.
    :ok = Application.start(:underwriting, start_type)
    IO.puts("underwriting is open at #{node()}")
  end

  @impl true
  def start(_type, {company, count, restart}) do
    scorers = for n <- 1..count//1, do: Supervisor.child_spec({Underwriting.Scorer, {n, company}}, restart: restart)
    Supervisor.start_link(scorers, strategy: :one_for_one, name: Underwriting.Supervisor)
  end

  def score("Unscorable"), do: raise("no score for this one")
  def score(_id), do: %{score: "450"}
end

defmodule Underwriting.Scorer do
  @moduledoc "Adds the score to requests."
  use GenStage, restart: :transient

  @retry_ms 100

  def child_spec({n, _company} = args), do: %{super(args) | id: :"scorer_#{n}"}

  def start_link({n, company}), do: GenStage.start_link(__MODULE__, company, name: :"scorer_#{n}")

  @impl true
  def init(company) do
    send(self(), {:subscribe, {Company.Intake, company}})
    {:producer_consumer, %{scored: 0}}
  end

  @impl true
  def handle_events(requests, _from, state) do
    scored = for {id, from} <- requests, do: {id, from, Underwriting.score(id)}
    {:noreply, scored, %{state | scored: state.scored + length(scored)}}
  end

  @impl true
  def handle_info({:subscribe, intake}, state) do
    GenStage.async_subscribe(self(), to: intake, cancel: :temporary, max_demand: 10, min_demand: 5)
    {:noreply, [], state}
  end

  # As `cancel: :transient` has it, but that an intake which is away is waited for. Subscriptions of consumers may end as they like.
  @impl true
  def handle_cancel({:down, away}, {{Company.Intake, _node} = intake, _tag}, state) when away in [:noconnection, :noproc, :shutdown] do
    Process.send_after(self(), {:subscribe, intake}, @retry_ms)
    {:noreply, [], state}
  end

  def handle_cancel({_, crash}, {{Company.Intake, _node}, _tag}, state) when crash != :normal do
    {:stop, crash, state}
  end

  def handle_cancel(_reason, _from, state), do: {:noreply, [], state}
end
