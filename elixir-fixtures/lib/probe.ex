defmodule Fixtures.Probe do
  @moduledoc """
  A process that traps exits and keeps every message it gets, so that a test can see what arrived, in which order.

      probe = Fixtures.Probe.start()
      ref = Fixtures.Probe.run(probe, fn -> Process.monitor({:cart, :"web@127.0.0.1"}) end)
      [{:DOWN, ^ref, :process, _, :noproc}] = Fixtures.Probe.await(probe, 1)
  """

  @doc "Starts a probe that is linked to nobody. Options: `:name` to register it, `:trap_exit` (true)."
  def start(opts \\ []) do
    caller = self()

    pid =
      spawn(fn ->
        Process.flag(:trap_exit, Keyword.get(opts, :trap_exit, true))
        if opts[:name], do: Process.register(self(), opts[:name])
        send(caller, {:started, self()})
        loop(%{seen: [], waiting: []})
      end)

    receive do
      {:started, ^pid} -> pid
    end
  end

  @doc "Runs a function inside the probe and returns its value; an exception or exit there is raised here."
  def run(probe, function) do
    case ask(probe, {:run, function}) do
      {:ok, value} -> value
      {:raised, kind, reason, stacktrace} -> :erlang.raise(kind, reason, stacktrace)
    end
  end

  @doc "The messages that arrived so far, oldest first."
  def mailbox(probe), do: ask(probe, :mailbox)

  @doc "Waits until at least `count` messages have arrived and returns all; raises after `timeout` ms."
  def await(probe, count, timeout \\ 5_000) do
    ask(probe, {:await, count}, timeout)
  end

  @doc "Forgets what arrived until now."
  def clear(probe), do: ask(probe, :clear)

  @doc "The probe's `:links`, `:monitors`, `:monitored_by` and `:message_queue_len`."
  def info(probe) do
    Map.new(Process.info(probe, [:links, :monitors, :monitored_by, :message_queue_len]))
  end

  @doc "Ends the probe with this exit reason."
  def stop(probe, reason \\ :normal), do: ask(probe, {:stop, reason})

  # The asker's own monitor is visible in `monitored_by` of the probe only while a request is under way.
  defp ask(probe, request, timeout \\ 5_000) do
    ref = Process.monitor(probe)
    send(probe, {__MODULE__, self(), ref, request})

    receive do
      {^ref, answer} ->
        Process.demonitor(ref, [:flush])
        answer

      {:DOWN, ^ref, :process, _pid, reason} ->
        raise "the probe is gone: #{inspect(reason)}"
    after
      timeout ->
        Process.demonitor(ref, [:flush])
        raise "no answer to #{inspect(request)} within #{timeout} ms; it has #{inspect(mailbox(probe))}"
    end
  end

  defp loop(state) do
    receive do
      {__MODULE__, from, ref, request} -> request |> handle({from, ref}, state) |> loop()
      message -> %{state | seen: [message | state.seen]} |> serve_waiting() |> loop()
    end
  end

  defp handle({:run, function}, asker, state) do
    result =
      try do
        {:ok, function.()}
      catch
        kind, reason -> {:raised, kind, reason, __STACKTRACE__}
      end

    answer(asker, result)
    state
  end

  defp handle(:mailbox, asker, state) do
    answer(asker, Enum.reverse(state.seen))
    state
  end

  defp handle({:await, count}, asker, state) do
    serve_waiting(%{state | waiting: [{count, asker} | state.waiting]})
  end

  defp handle(:clear, asker, state) do
    answer(asker, :ok)
    %{state | seen: []}
  end

  defp handle({:stop, reason}, asker, _state) do
    answer(asker, :ok)
    exit(reason)
  end

  defp serve_waiting(%{waiting: []} = state), do: state

  defp serve_waiting(state) do
    {ready, waiting} = Enum.split_with(state.waiting, fn {count, _asker} -> length(state.seen) >= count end)
    for {_count, asker} <- ready, do: answer(asker, Enum.reverse(state.seen))
    %{state | waiting: waiting}
  end

  defp answer({pid, ref}, answer), do: send(pid, {ref, answer})
end
