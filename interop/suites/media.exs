# The BEAM's side of media.interop.ts, beside examples/media/media.ex: flows over files and users whose producers are in TypeScript.
defmodule Flows do
  @doc "Files and bytes per user: every stage of the flow has all files of some users."
  def per_user(files), do: files |> source() |> Flow.partition(key: {:key, :user_id}, stages: 3) |> count()

  @doc "Without a partition by user every stage counts what it happens to get."
  def partial(files), do: files |> source(stages: 3) |> count()

  @doc "Sends the counts to a consumer, and waits until the flow has ended; gives why it did."
  def into(files, consumer) do
    {:ok, flow} = files |> per_user() |> Flow.into_stages([{consumer, cancel: :transient}])
    ref = Process.monitor(flow)
    receive do: ({:DOWN, ^ref, _, _, reason} -> reason)
  end

  @doc "The same counts of what a stage in the middle makes of the files."
  def through(files, stage) do
    files
    |> source()
    |> Flow.through_stages([{stage, cancel: :transient}])
    |> Flow.partition(key: {:key, :user_id}, stages: 3)
    |> count()
  end

  @doc "Users with the bytes of their files, which are counted here."
  def join(mode, users, files) do
    usage = files |> Flow.from_enumerable() |> Flow.partition(key: {:key, :user_id}, stages: 3) |> count()
    bytes = fn user, {_id, {_count, bytes}} -> {user.id, bytes} end
    bytes = fn user, usage -> if usage, do: bytes.(user, usage), else: {user.id, 0} end
    Flow.bounded_join(mode, source(users), usage, & &1.id, &elem(&1, 0), bytes)
  end

  defp source(producer, options \\ []), do: Flow.from_stages([producer], options)

  defp count(flow) do
    Flow.reduce(flow, fn -> %{} end, fn %{user_id: id, size: size}, users ->
      Map.update(users, id, {1, size}, fn {count, bytes} -> {count + 1, bytes + size} end)
    end)
  end
end

nil
