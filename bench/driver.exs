# The measuring node. Each function measures one row against the node `peer`, whatever that is made of: microseconds from the
# first request to the last proof that everything has arrived. Fails unless what came back is what was sent.
defmodule Bench.Driver do
  @request {:price, "sku-000042"}
  @timeout 120_000

  def start do
    {:ok, _} = GenServer.start(Bench.Echo, :ok, name: :echo)
    :ok
  end

  @doc "Every payload and an event come back from the peer's echo as they were sent."
  def check(peer) do
    payloads = for kind <- [:random, :ascii, :text], bytes <- [16, 1024, 65_536, 1_048_576], do: {kind, bytes}
    for payload <- [:map | payloads], do: same(peer, payload(payload))
    same(peer, @request)
    :ok
  end

  defp same(peer, term), do: true = term === GenServer.call({:echo, peer}, term, @timeout)

  @doc "`count` calls of the peer's echo, by so many callers at a time."
  def calls_in(peer, %{callers: callers}, count) do
    each = max(div(count, callers), 1)
    me = self()

    waiting =
      for _ <- 1..callers do
        spawn_link(fn ->
          receive do: (:go -> calls({:echo, peer}, each))
          send(me, :called)
        end)
      end

    timed(fn ->
      for pid <- waiting, do: send(pid, :go)
      for _ <- waiting, do: await(:called)
    end)
    |> result(each * callers)
  end

  @doc "The same from the peer to an echo here."
  def calls_out(peer, %{callers: callers}, count) do
    each = max(div(count, callers), 1)
    total = each * callers

    timed(fn ->
      command(peer, {:calls, {:echo, node()}, @request, callers, each, self()})
      await({:called, total})
    end)
    |> result(total)
  end

  @doc "`count` messages from one process here to the peer's sink."
  def send_in(peer, %{payload: payload}, count) do
    message = payload(payload)
    {_, sink} = GenServer.call({:sink, peer}, :count, @timeout)

    timed(fn ->
      sends(sink, message, count)
      {^count, ^sink} = GenServer.call(sink, :count, @timeout)
    end)
    |> result(count)
  end

  @doc "`count` messages from one process of the peer to one here."
  def send_out(peer, %{payload: payload} = row, count) do
    message = payload(payload)

    timed(fn ->
      command(peer, {:flood, self(), message, count, Map.get(row, :lend, false)})
      await(message)
      received(count - 1)
    end)
    |> result(count)
  end

  @doc "`count` events of a producer here to each of the peer's consumers."
  def stage_in(peer, %{events: kind, consumers: consumers, max_demand: max_demand}, count) do
    dispatcher = Bench.Producer.dispatcher(consumers)
    {:ok, producer} = GenStage.start(Bench.Producer, {kind, count, dispatcher})
    command(peer, {:consume, producer, consumers, max_demand, count, self()})
    await({:subscribed, consumers})
    consumed(producer, consumers, count)
  end

  @doc "`count` events of a producer of the peer to each of the consumers here."
  def stage_out(peer, %{events: kind, consumers: consumers, max_demand: max_demand}, count) do
    command(peer, {:produce, kind, consumers, count, self()})
    producer = receive do: ({:producing, pid} -> pid)

    for _ <- 1..consumers do
      {:ok, _} = GenStage.start(Bench.Consumer, {producer, max_demand, count, self()})
    end

    consumed(producer, consumers, count)
  end

  defp consumed(producer, consumers, count) do
    sum = Bench.Event.sum_of_first(count)

    microseconds =
      timed(fn ->
        GenStage.demand(producer, :forward)
        for _ <- 1..consumers, do: await({:consumed, count, sum})
      end)

    GenStage.stop(producer)
    result(microseconds, count * consumers)
  end

  @doc "Connects `count` times: the median time from the call that opens the connection to its reply."
  def connect(peer, _row, count) do
    same(peer, @request)

    times =
      for _ <- 1..count do
        Node.monitor(peer, true)
        :erlang.disconnect_node(peer)
        await({:nodedown, peer})
        # The peer has to see the end of the old connection, or it would have to decide between two.
        Process.sleep(5)
        timed(fn -> @request = GenServer.call({:echo, peer}, @request, @timeout) end)
      end

    %{value: Enum.at(Enum.sort(times), div(count, 2)), count: count, microseconds: Enum.sum(times)}
  end

  @doc "Bytes of memory of each of `count` processes that wait for a message, as the peer has measured it."
  def idle(peer, _row, count) do
    command(peer, {:idle, count, self()})
    bytes = receive do: ({:idle, bytes} -> bytes)
    %{value: bytes, count: count, microseconds: 0}
  end

  defp result(microseconds, count),
    do: %{value: count * 1_000_000 / microseconds, count: count, microseconds: microseconds}

  defp command(peer, command), do: send({:bench, peer}, command)

  defp timed(work) do
    start = System.monotonic_time()
    work.()
    max(System.convert_time_unit(System.monotonic_time() - start, :native, :microsecond), 1)
  end

  defp await(message) do
    receive do
      ^message -> :ok
    after
      @timeout -> raise "there is no #{inspect(message, limit: 5, printable_limit: 50)}"
    end
  end

  defp calls(_to, 0), do: :ok

  defp calls(to, left) do
    @request = GenServer.call(to, @request, @timeout)
    calls(to, left - 1)
  end

  defp sends(_to, _message, 0), do: :ok

  defp sends(to, message, left) do
    send(to, message)
    sends(to, message, left - 1)
  end

  defp received(0), do: :ok

  defp received(left) do
    receive do: (_message -> received(left - 1))
  end

  # In the seed is nothing special: the bytes are the same in every run.
  defp payload({:random, bytes}), do: elem(:rand.bytes_s(bytes, :rand.seed_s(:exsss, 42)), 0)
  defp payload({:ascii, bytes}), do: String.duplicate("Walking boots 42", div(bytes, 16))
  defp payload({:text, bytes}), do: String.duplicate("größe über 日", div(bytes, 16))
  defp payload(:map), do: Bench.Event.order(1_234_567)
end
