defmodule Fixtures.Ties do
  @moduledoc """
  Probes that link, monitor and exit as they are told, and what they have to do with others at rest.

      [a, b] = Fixtures.Ties.start([{:a, true}, {:b, false}])
      [:ok, ref] = Fixtures.Ties.act([{a, {:link, pid}}, {a, {:monitor, {:cart, :"web@127.0.0.1"}}}])
      [{links, monitors, monitored_by, messages}, :dead] = Fixtures.Ties.observe([a, b])
  """

  alias Fixtures.Probe

  @doc "Starts a probe for each `{name, trap_exit}`."
  def start(probes) do
    for {name, trap_exit} <- probes, do: Probe.start(name: name, trap_exit: trap_exit)
  end

  @doc """
  Has probes do one thing each, in order, without waiting for what it causes elsewhere. Gives the value of each, `:dead`
  where the probe had ended.
  """
  def act(acts) do
    for {probe, act} <- acts do
      try do
        act(probe, act)
      rescue
        _gone in RuntimeError -> :dead
      end
    end
  end

  @doc "For each probe `{links, monitors, monitored_by, messages}`, or `:dead`."
  def observe(probes) do
    for probe <- probes do
      try do
        messages = Probe.mailbox(probe)
        info = Probe.info(probe)
        {info.links, info.monitors, info.monitored_by, messages}
      rescue
        _gone -> :dead
      end
    end
  end

  @doc "Ends the probes, and waits until they are gone."
  def stop(probes) do
    for probe <- probes do
      ref = Process.monitor(probe)
      Process.exit(probe, :kill)

      receive do
        {:DOWN, ^ref, :process, _pid, _reason} -> :ok
      end
    end
  end

  defp act(_probe, {:disconnect, node}), do: :erlang.disconnect_node(node)
  defp act(probe, {:die, reason}), do: Probe.stop(probe, reason)
  defp act(probe, act), do: Probe.run(probe, fn -> run(act) end)

  defp run({:link, pid}), do: Process.link(pid)
  defp run({:unlink, pid}), do: Process.unlink(pid)
  defp run({:monitor, target}), do: Process.monitor(target)
  defp run({:demonitor, ref}), do: Process.demonitor(ref)
  defp run({:send, to, message}), do: send(to, message)
  defp run({:exit, pid, reason}), do: Process.exit(pid, reason)
end
