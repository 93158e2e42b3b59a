# Media pipelines in Elixir: what media.ts is in TypeScript. How to run them stands in README.md.
#
# A plan says which processes a pipeline consists of, step by step, and on which nodes they are:
# [{Media.Starter, [a]}, {Media.Encryption, [a, b, b]}, ...]. Each node starts those that are its own.
defmodule Media do
  @doc "Runs stages for whoever asks by `start/3`. Does not return."
  def serve do
    {:ok, _} = DynamicSupervisor.start_link(strategy: :one_for_one, name: Media.Supervisor)
    IO.puts("media is open at #{node()}")
    Process.sleep(:infinity)
  end

  @doc "Starts the stages of a pipeline that the plan has on this node."
  def start(direction, plan, services) do
    start = {Media.Pipeline, :start_link, [direction, plan, services]}
    DynamicSupervisor.start_child(Media.Supervisor, %{id: direction, start: start, type: :supervisor})
  end
end

defmodule Media.Pipeline do
  @moduledoc "The stages of one direction that run on this node, in the order of the data."

  @doc "`services`: where queue, store and cache are, and to whom the notifier reports, as `{name, node}`."
  def start_link(direction, plan, services) do
    names = Enum.map(plan, fn {stage, nodes} -> {stage, names(stage, direction, nodes)} end)
    producers = [[] | Enum.map(names, &elem(&1, 1))]

    children =
      for {{stage, processes}, producers} <- Enum.zip(names, producers), {name, node} <- processes, node == node() do
        %{id: name, start: {GenStage, :start_link, [stage, {direction, producers, services}, [name: name]]}}
      end

    # A stage that crashes takes along those after it, which may be on other nodes, where it is one crash for each of them.
    options = [strategy: :rest_for_one, max_restarts: 20, name: Module.concat(Media.Pipeline, direction)]
    Supervisor.start_link(children, options)
  end

  defp names(stage, direction, [node]), do: [{Module.concat(stage, direction), node}]

  defp names(stage, direction, nodes) do
    for {node, n} <- Enum.with_index(nodes, 1), do: {Module.concat([stage, direction, "#{n}"]), node}
  end
end

defmodule Media.Stage do
  @moduledoc "What the stages after the first have in common: how they subscribe."

  @options [cancel: :temporary, min_demand: 1, max_demand: 10]

  defmacro __using__(_) do
    quote do
      use GenStage

      @impl true
      def handle_info({:subscribe, producer}, state), do: Media.Stage.subscribe(producer, state)

      @impl true
      def handle_cancel(reason, from, state), do: Media.Stage.cancelled(reason, from, state)
    end
  end

  def state({direction, producers, services}) do
    Enum.each(producers, &send(self(), {:subscribe, &1}))
    %{direction: direction, producers: producers, services: services, handled: 0}
  end

  def subscribe({name, node} = producer, state) do
    to = if node == node(), do: name, else: producer
    # One of this node is there, or about to be started again by the supervisor of both.
    if to == producer or Process.whereis(name),
      do: GenStage.async_subscribe(self(), [to: to] ++ @options),
      else: Process.send_after(self(), {:subscribe, producer}, 50)

    {:noreply, [], state}
  end

  # As `cancel: :transient` has it, but that a producer which is away is waited for. How consumers end is their business.
  def cancelled({:down, reason}, {{_name, _node} = producer, _tag}, state)
      when reason in [:noconnection, :noproc, :shutdown] do
    Process.send_after(self(), {:subscribe, producer}, 50)
    {:noreply, [], state}
  end

  def cancelled({:down, crash}, {{_name, _node}, _tag}, state), do: {:stop, crash, state}
  def cancelled(_reason, _from, state), do: {:noreply, [], state}
end

defmodule Media.Starter do
  @moduledoc "Takes from the queue what is asked for, and looks again when that was not enough."
  use GenStage

  @poll_ms 100

  @impl true
  def init({direction, _no_producers, services}) do
    {:producer, %{direction: direction, queue: services.queue, pending: 0, polling: false}}
  end

  @impl true
  def handle_demand(demand, state), do: take(%{state | pending: state.pending + demand})

  @impl true
  def handle_info(:poll, state), do: take(%{state | polling: false})

  defp take(%{pending: pending} = state) do
    tasks = GenServer.call(state.queue, {:dequeue, pending})
    state = %{state | pending: pending - length(tasks)}
    if state.pending > 0 and not state.polling, do: Process.send_after(self(), :poll, @poll_ms)
    {:noreply, tasks, %{state | polling: state.pending > 0}}
  end
end

defmodule Media.Encryption do
  @moduledoc "Uploads leave it encrypted; downloads that come from the store are decrypted. What is clear is put in the cache."
  use Media.Stage

  @impl true
  def init(args), do: {:producer_consumer, Media.Stage.state(args)}

  @impl true
  def handle_events(tasks, _from, state) do
    {:noreply, Enum.map(tasks, &transform(&1, state.services.cache)), %{state | handled: state.handled + length(tasks)}}
  end

  defp transform(%{type: :upload} = task, cache) do
    :ok = GenServer.call(cache, {:put, task.media.id, task.content})
    %{task | content: crypt(task)}
  end

  defp transform(%{status: :original} = task, _cache), do: task

  defp transform(task, cache) do
    clear = crypt(task)
    :ok = GenServer.call(cache, {:put, task.media.id, clear})
    %{task | content: clear}
  end

  # In counter mode encrypting and decrypting are the same.
  defp crypt(%{content: content, media: %{encryption_key: <<key::binary-32, iv::binary-16>>}}) do
    :crypto.crypto_one_time(:aes_256_ctr, key, iv, content, true)
  end
end

defmodule Media.RemoteStorage do
  @moduledoc "Uploads are stored; downloads come from the cache, or else encrypted from the store."
  use Media.Stage

  @impl true
  def init(args), do: {:producer_consumer, Media.Stage.state(args)}

  @impl true
  def handle_events(tasks, _from, state) do
    {:noreply, Enum.map(tasks, &transfer(&1, state.services)), %{state | handled: state.handled + length(tasks)}}
  end

  defp transfer(%{type: :upload} = task, services) do
    :ok = GenServer.call(services.store, {:put, task.media.storage_key, task.content})
    put_in(task.media[:uploaded_at], System.system_time(:second))
  end

  defp transfer(%{type: :download} = task, services) do
    case GenServer.call(services.cache, {:get, task.media.id}) do
      nil -> %{task | content: GenServer.call(services.store, {:get, task.media.storage_key})}
      content -> task |> Map.put(:status, :original) |> Map.put(:content, content)
    end
  end
end

defmodule Media.Notifier do
  @moduledoc "Reports what is done, and waits until the report has been taken."
  use Media.Stage

  @impl true
  def init(args), do: {:consumer, Media.Stage.state(args)}

  @impl true
  def handle_events(tasks, _from, state) do
    for %{media: media, content: content} <- tasks do
      report = {:done, media.id, media.storage_key, byte_size(content)}
      GenServer.call(state.services.report_to, report, :infinity)
    end

    {:noreply, [], %{state | handled: state.handled + length(tasks)}}
  end
end

defmodule Media.Queue do
  @moduledoc "Tasks that wait for a pipeline, first in, first out."
  use GenServer

  def start_link(opts), do: GenServer.start_link(__MODULE__, nil, opts)

  @impl true
  def init(_), do: {:ok, :queue.new()}

  @impl true
  def handle_cast({:enqueue, task}, tasks), do: {:noreply, :queue.in(task, tasks)}

  @impl true
  def handle_call({:dequeue, count}, _from, tasks) do
    {taken, left} = :queue.split(min(count, :queue.len(tasks)), tasks)
    {:reply, :queue.to_list(taken), left}
  end

  def handle_call(:size, _from, tasks), do: {:reply, :queue.len(tasks), tasks}
end

defmodule Media.Shelf do
  @moduledoc "Contents by their key, and how often each has been fetched. The remote store is one, and so is the cache."
  use GenServer

  def start_link(opts), do: GenServer.start_link(__MODULE__, nil, opts)

  @impl true
  def init(_), do: {:ok, %{contents: %{}, hits: %{}}}

  @impl true
  def handle_call({:put, key, content}, _from, state) do
    {:reply, :ok, put_in(state.contents[key], content)}
  end

  def handle_call({:get, key}, _from, %{contents: contents} = state) when is_map_key(contents, key) do
    {:reply, contents[key], update_in(state.hits[key], &((&1 || 0) + 1))}
  end

  def handle_call({:get, _key}, _from, state), do: {:reply, nil, state}
  def handle_call({:hits, key}, _from, state), do: {:reply, Map.get(state.hits, key, 0), state}
  def handle_call(:clear, _from, _state), do: {:reply, :ok, %{contents: %{}, hits: %{}}}
end
