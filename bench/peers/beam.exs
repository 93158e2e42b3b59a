# A BEAM as the measured node. bench/contract.md says what each message means.
defmodule Bench.Echo do
  use GenServer
  def init(:ok), do: {:ok, nil}
  def handle_call(request, _from, state), do: {:reply, request, state}
end

defmodule Bench.Sink do
  use GenServer
  def init(:ok), do: {:ok, 0}
  def handle_info(_message, count), do: {:noreply, count + 1}
  def handle_call(:count, _from, count), do: {:reply, {count, self()}, 0}
end

defmodule Bench.Idle do
  use GenServer
  def init(:ok), do: {:ok, nil}
end

defmodule Bench.Peer do
  use GenServer

  def start do
    {:ok, _} = GenServer.start(Bench.Echo, :ok, name: :echo)
    {:ok, _} = GenServer.start(Bench.Sink, :ok, name: :sink)
    {:ok, _} = GenServer.start(__MODULE__, :ok, name: :bench)
  end

  def init(:ok), do: {:ok, nil}

  def handle_info(command, state) do
    run(command)
    {:noreply, state}
  end

  defp run({:flood, to, payload, count, _lend}), do: flood(to, payload, count)

  defp run({:calls, to, request, callers, each, report_to}) do
    me = self()
    for _ <- 1..callers, do: spawn_link(fn -> send(me, {:called, calls(to, request, each, 0)}) end)
    total = for _ <- 1..callers, reduce: 0, do: (total -> total + receive do: ({:called, done} -> done))
    send(report_to, {:called, total})
  end

  defp run({:consume, producer, consumers, max_demand, count, report_to}) do
    for _ <- 1..consumers, do: {:ok, _} = GenStage.start(Bench.Consumer, {producer, max_demand, count, report_to})
    send(report_to, {:subscribed, consumers})
  end

  defp run({:produce, kind, consumers, count, report_to}) do
    {:ok, producer} = GenStage.start(Bench.Producer, {kind, count, Bench.Producer.dispatcher(consumers)})
    send(report_to, {:producing, producer})
  end

  defp run({:idle, count, report_to}) do
    before = memory()
    pids = for _ <- 1..count, do: elem({:ok, _} = GenServer.start(Bench.Idle, :ok), 1)
    bytes = memory() - before
    for pid <- pids, do: Process.exit(pid, :kill)
    send(report_to, {:idle, bytes / count})
  end

  defp flood(_to, _payload, 0), do: :ok

  defp flood(to, payload, count) do
    send(to, payload)
    flood(to, payload, count - 1)
  end

  defp calls(_to, _request, each, each), do: each

  defp calls(to, request, each, done) do
    ^request = GenServer.call(to, request, :infinity)
    calls(to, request, each, done + 1)
  end

  defp memory do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)
    :erlang.memory(:processes)
  end
end
