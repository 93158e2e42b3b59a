defmodule Fixtures.Odd do
  @moduledoc """
  A GenServer that answers calls in every way but the usual one.

  | request | what happens |
  | --- | --- |
  | `{:deferred, ms, value}` | another process replies after `ms` |
  | `{:reply_twice, value}` | replies, and replies again |
  | `{:sleep, ms}` | is busy for `ms`, then replies `:slept` |
  | `:silent` | never replies, lives on |
  | `{:pass_on, pid}` | sends `{:from, from}` to `pid`, which may reply |
  | `{:stop_with_reply, reason, value}` | replies and stops |
  | `{:stop, reason}` | stops without a reply |
  | `{:exit, reason}` | exits inside the callback |
  | `{:throw, value}` | throws, which OTP takes as the callback's result |
  | `:raise` | raises a RuntimeError |
  | anything else | no function clause |
  """
  use GenServer

  def start(opts \\ []), do: GenServer.start(__MODULE__, opts, Keyword.take(opts, [:name]))

  @impl true
  def init(_opts), do: {:ok, nil}

  @impl true
  def handle_call({:deferred, ms, value}, from, state) do
    spawn(fn ->
      Process.sleep(ms)
      GenServer.reply(from, value)
    end)

    {:noreply, state}
  end

  def handle_call({:reply_twice, value}, from, state) do
    GenServer.reply(from, value)
    {:reply, value, state}
  end

  def handle_call({:sleep, ms}, _from, state) do
    Process.sleep(ms)
    {:reply, :slept, state}
  end

  def handle_call(:silent, _from, state), do: {:noreply, state}

  def handle_call({:pass_on, pid}, from, state) do
    send(pid, {:from, from})
    {:noreply, state}
  end

  def handle_call({:stop_with_reply, reason, value}, _from, state), do: {:stop, reason, value, state}
  def handle_call({:stop, reason}, _from, state), do: {:stop, reason, state}
  def handle_call({:exit, reason}, _from, _state), do: exit(reason)
  def handle_call({:throw, value}, _from, _state), do: throw(value)
  def handle_call(:raise, _from, _state), do: raise("odd")
end
