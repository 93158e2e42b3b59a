defmodule Fixtures.Exits do
  @moduledoc """
  Ends of processes with reasons of any shape, seen through a link and a monitor across two nodes.

  The other node's process is a puppet: it answers `{:link, pid}`, `{:monitor, target}`, `{:trap, bool}` and `:seen`
  (the messages it got), and exits on the cast `{:exit, reason}`. `start` is a function that gives a new one.
  """

  alias Fixtures.Probe

  @doc "Exit reasons of every kind."
  def reasons do
    [
      :boom,
      :normal,
      :shutdown,
      :kill,
      {:shutdown, {:later, 1}},
      nil,
      "text",
      ~c"charlist",
      [],
      [1 | 2],
      {},
      {:bye, [1, 2.5], %{:a => 1, "b" => {2}, 3 => self()}},
      -123_456_789_012_345_678_901_234_567_890,
      1.5,
      self(),
      {:identities, self(), make_ref(), hd(Port.list())},
      <<5::size(3)>>,
      &Enum.map/2,
      {%RuntimeError{message: "raised"}, [{__MODULE__, :reasons, 0, [file: ~c"exits.ex", line: 1]}]},
      String.duplicate("long ", 50_000)
    ]
  end

  @doc "Ends a puppet with each reason; returns `{reason, messages}` where a probe here saw anything but that end."
  def of_puppets(reasons, start) do
    for reason <- reasons,
        puppet = start.(),
        probe = Probe.start(),
        ref =
          Probe.run(probe, fn ->
            Process.link(puppet)
            Process.monitor(puppet)
          end),
        :ok = GenServer.cast(puppet, {:exit, reason}),
        messages = Probe.await(probe, 2),
        not ends?(messages, puppet, ref, reason),
        do: {reason, messages}
  end

  @doc "Ends a process here with each reason; returns `{reason, messages}` where a puppet saw anything but that end."
  def of_processes(reasons, start) do
    for reason <- reasons,
        puppet = start.(),
        process = spawn(fn -> receive do: (:go -> exit(reason)) end),
        :ok = GenServer.call(puppet, {:trap, true}),
        :ok = GenServer.call(puppet, {:link, process}),
        ref = GenServer.call(puppet, {:monitor, process}),
        :go = send(process, :go),
        messages = until(fn -> GenServer.call(puppet, :seen) end, 2),
        not ends?(messages, process, ref, reason),
        do: {reason, messages}
  end

  defp ends?(messages, pid, ref, reason) do
    Enum.sort(messages) == Enum.sort([{:EXIT, pid, reason}, {:DOWN, ref, :process, pid, reason}])
  end

  defp until(messages, count) do
    Interop.Control.until(fn -> length(messages.()) >= count end, 5_000)
    messages.()
  end
end
