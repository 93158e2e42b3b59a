defmodule Interop.Control do
  @moduledoc """
  The far end of the harness's control channel: evaluates Elixir code that the tests send.

  It is a plain socket of its own, so that what a BEAM saw can be asked for without any of the code under
  test. Frames have a length of four bytes in front.

    * request: `id::32, mode::8, size::32, code::binary-size(size), input::binary`
    * reply: `id::32, status::8, result::binary`; status 0 is a result in the form of the mode, 1 an error as text

  Modes are `?j` (JSON), `?e` (external term format) and `?i` (inspect). Each request runs in a process of its own, so
  several can run at once; variables that one has bound are visible to those that start after it has ended.
  """

  import Kernel, except: [inspect: 1]

  @doc "Connects to the harness that started this BEAM and serves it until the connection closes; then the BEAM halts."
  def run do
    {:ok, address} = :inet.parse_address(String.to_charlist(System.get_env("TIEBEAM_CONTROL_ADDRESS")))
    port = String.to_integer(System.get_env("TIEBEAM_CONTROL_PORT"))
    {:ok, socket} = :gen_tcp.connect(address, port, [:binary, packet: 4, active: true, nodelay: true])
    :ok = :gen_tcp.send(socket, System.get_env("TIEBEAM_CONTROL_KEY"))
    serve(socket, _evaluating = %{}, _bindings = [])
  end

  @doc "Calls `condition` every 10 ms until it gives something truthy, which is returned; raises after `timeout` ms."
  def until(condition, timeout) do
    until(condition, timeout, System.monotonic_time(:millisecond) + timeout)
  end

  defp until(condition, timeout, deadline) do
    result = condition.()

    cond do
      result ->
        result

      System.monotonic_time(:millisecond) > deadline ->
        raise "still #{inspect(result)} after #{timeout} ms"

      true ->
        Process.sleep(10)
        until(condition, timeout, deadline)
    end
  end

  # The reply goes out only after the variables are kept, so that the next request of the same test sees them.
  defp serve(socket, evaluating, bindings) do
    receive do
      {:tcp, ^socket, <<id::32, mode::8, size::32, code::binary-size(size), input::binary>>} ->
        control = self()
        evaluation = fn -> send(control, {self(), evaluate(mode, code, [input: input] ++ bindings)}) end
        {pid, _monitor} = spawn_monitor(evaluation)
        serve(socket, Map.put(evaluating, pid, id), bindings)

      {pid, {status, result, bound}} when is_map_key(evaluating, pid) ->
        {id, evaluating} = Map.pop(evaluating, pid)
        reply(socket, id, status, result)
        serve(socket, evaluating, Keyword.merge(bindings, bound))

      {:DOWN, _monitor, :process, pid, reason} when is_map_key(evaluating, pid) ->
        {id, evaluating} = Map.pop(evaluating, pid)
        reply(socket, id, 1, "the evaluating process ended: #{inspect(reason)}")
        serve(socket, evaluating, bindings)

      {:DOWN, _monitor, :process, _pid, _reason} ->
        serve(socket, evaluating, bindings)

      {:tcp_closed, ^socket} ->
        :erlang.halt(0)
    end
  end

  defp evaluate(mode, code, bindings) do
    {result, bound} = Code.eval_string(code, bindings)
    {0, render(mode, result), Keyword.delete(bound, :input)}
  catch
    kind, reason -> {1, Exception.format(kind, reason, __STACKTRACE__), []}
  end

  defp render(?j, term), do: Interop.Json.encode(term)
  defp render(?e, term), do: :erlang.term_to_binary(term)
  defp render(?i, term), do: inspect(term)

  defp reply(socket, id, status, result), do: :gen_tcp.send(socket, [<<id::32, status::8>>, result])

  defp inspect(term), do: Kernel.inspect(term, limit: :infinity, printable_limit: :infinity)
end
