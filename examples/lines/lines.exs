# Counts the lines that lines.ts produces.
defmodule LineCounter do
  use GenStage

  def init(caller) do
    producer = {{:lines, :"files@127.0.0.1"}, max_demand: 100}
    {:consumer, %{caller: caller, lines: 0, bytes: 0}, subscribe_to: [producer]}
  end

  def handle_events(lines, _from, state) do
    bytes = lines |> Enum.map(&byte_size/1) |> Enum.sum()
    {:noreply, [], %{state | lines: state.lines + length(lines), bytes: state.bytes + bytes}}
  end

  # The producer ends when the file does.
  def handle_cancel({_, reason}, _from, state) do
    send(state.caller, {:done, reason, state})
    {:noreply, [], state}
  end
end

{:ok, _} = GenStage.start(LineCounter, self())

receive do
  {:done, reason, %{lines: lines, bytes: bytes}} ->
    IO.puts("#{lines} lines, #{bytes} bytes without line ends; the producer ended with #{inspect(reason)}")
end
