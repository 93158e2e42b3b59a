defmodule Fixtures.Large do
  @moduledoc """
  Large messages on a link, and how long small calls take meanwhile.

  A sink takes messages `{from, tag, binary}` and tells the sender `{tag, size, md5}`; the digest is `nil` unless it was
  asked for, as it takes longer than the transfer.
  """

  @doc "Starts a sink under a name."
  def start_sink(name, opts \\ []) do
    digest = if opts[:digest], do: &:erlang.md5/1, else: fn _ -> nil end
    pid = spawn(fn -> sink(digest) end)
    Process.register(pid, name)
    pid
  end

  defp sink(digest) do
    receive do
      {from, tag, binary} -> send(from, {tag, byte_size(binary), digest.(binary)})
    end

    :erlang.garbage_collect()
    sink(digest)
  end

  @doc "Sends a binary to a sink so many times, each when the one before has arrived. Gives what the sink told last."
  def send_to(sink, binary, times \\ 1) do
    Enum.reduce(1..times, nil, fn _, _ ->
      tag = make_ref()
      send(sink, {self(), tag, binary})

      receive do
        {^tag, size, digest} -> {size, digest}
      end
    end)
  end

  @doc "Microseconds of each small call to an echo server, one after the other, for as long as `work` runs."
  def calls_during(echo, work) do
    parent = self()
    caller = spawn_link(fn -> call_until_asked(echo, parent, []) end)
    work.()
    send(caller, :stop)

    receive do
      {^caller, times} -> times
    end
  end

  defp call_until_asked(echo, parent, times) do
    receive do
      :stop -> send(parent, {self(), times})
    after
      0 ->
        start = System.monotonic_time()
        :ping = GenServer.call(echo, {:echo, :ping}, 60_000)
        taken = System.convert_time_unit(System.monotonic_time() - start, :native, :nanosecond)
        call_until_asked(echo, parent, [taken / 1000 | times])
    end
  end
end
