# What the scripts of this folder share. `exunit.interop.ts` runs them all, in one run of ExUnit for each release, against a node
# that has what `interop/support/exunit-node.ts` exposes, and takes the results over from a formatter. They are ordinary ExUnit:
# `elixir -r case.exs -r gen_server.exs -e "ExUnit.run()"` runs one by hand, with such a node's name in TIEBEAM_NODE.
#
# All of it but what is tagged `:ours` also holds for a BEAM that has loaded `twin.exs` in the place of that node.

defmodule Ours.Results do
  @moduledoc "A formatter that sends `{:test, result}` for each test that has ended to the process in `:results_to`."
  use GenServer

  def init(options), do: {:ok, options[:results_to]}

  def handle_cast({:test_finished, %ExUnit.Test{} = test}, to) do
    send(to, {:test, %{module: inspect(test.module), name: to_string(test.name), failure: failure(test)}})
    {:noreply, to}
  end

  def handle_cast(_event, to), do: {:noreply, to}

  defp failure(%{state: nil}), do: nil

  defp failure(%{state: {:failed, failures}} = test) do
    ExUnit.Formatter.format_test_failure(test, failures, 1, 120, fn _key, text -> text end)
  end

  defp failure(%{state: {_other, why}}), do: inspect(why)

  @doc "Runs what has been loaded, without the tests of that tag: `%{tests: [...], total: n, failures: n}`."
  def run(exclude) do
    ExUnit.configure(results_to: self(), formatters: [__MODULE__], exclude: exclude)
    figures = ExUnit.run()
    Map.put(Map.take(figures, [:total, :failures, :excluded, :skipped]), :tests, collect())
  end

  defp collect do
    receive do
      {:test, result} -> [result | collect()]
    after
      0 -> []
    end
  end
end

defmodule Ours.Case do
  @moduledoc "What every script can use: the node of ours, its processes, and the caller's own mailbox."
  use ExUnit.CaseTemplate

  using do
    quote do
      import Ours.Case
    end
  end

  @doc "The node under test."
  def ours, do: String.to_atom(System.fetch_env!("TIEBEAM_NODE"))

  @doc "Starts a process of that kind there, linked to nobody."
  def start(kind, args \\ []), do: :erpc.call(ours(), Ours, :start, [kind | args])

  @doc "As `start/2`, under a name of its own that nothing else has: `{name, node}`."
  def start_named(kind) do
    name = unique_name()
    :erpc.call(ours(), Ours, :start_named, [kind, name])
    {name, ours()}
  end

  def unique_name, do: :"name_#{System.unique_integer([:positive])}"

  @doc "Everything in the mailbox of the test, once what is on its way from the node of ours has come."
  def mailbox do
    # What was sent before the reply of this arrives before it.
    :erpc.call(ours(), Ours, :sum, [1, 1])
    Process.sleep(20)
    {:messages, messages} = Process.info(self(), :messages)
    messages
  end

  @doc "How a function ends: `{:value, v}` or `{kind, reason}`."
  def outcome(fun) do
    {:value, fun.()}
  catch
    kind, reason -> {kind, reason}
  end

  @doc "The reason with which a process ends."
  def down(pid, timeout \\ 2_000) do
    ref = Process.monitor(pid)

    receive do
      {:DOWN, ^ref, :process, _, reason} -> reason
    after
      timeout -> flunk("#{inspect(pid)} is still alive")
    end
  end

  @doc "Waits until a condition holds."
  def eventually(condition, tries \\ 300) do
    cond do
      result = condition.() -> result
      tries == 0 -> flunk("it never came to hold")
      true -> Process.sleep(10) && eventually(condition, tries - 1)
    end
  end

  @doc "A process of the BEAM that does nothing."
  def bystander, do: spawn(fn -> Process.sleep(:infinity) end)
end

ExUnit.start(autorun: false, timeout: 20_000, assert_receive_timeout: 2_000)
