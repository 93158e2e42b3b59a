defmodule Supervisors do
  use Fixtures.Behaviours

  behaviour 191, "start_child gives what the start gives", as: [:supervisor] do
    supervisor = supervisor()
    {:ok, pid} = ConsumerSupervisor.start_child(supervisor, [:extra])
    true = is_pid(pid)
    :ignore = ConsumerSupervisor.start_child(supervisor, [:ignore])
    {:error, :no} = ConsumerSupervisor.start_child(supervisor, [{:fail, :no}])
    1 = running(supervisor)
  end

  behaviour 193, "a temporary child that ends is gone, for whatever reason", as: [:supervisor] do
    supervisor = supervisor()
    for reason <- [:normal, :shutdown, :crash], do: ended_child(supervisor, reason, 0)
    3 = length(children(:supervisor))
  end

  behaviour 194, "a transient child is started again unless it ended in order", as: [:supervisor] do
    supervisor = supervisor(restart: :transient, max_restarts: 5)
    for reason <- [:normal, :shutdown, {:shutdown, 1}], do: ended_child(supervisor, reason, 0)
    ended_child(supervisor, :crash, 1)
    until(fn -> length(children(:supervisor)) == 5 end)
    1 = running(supervisor)
  end

  behaviour 196, "too many restarts end it with shutdown", as: [:supervisor] do
    supervisor = supervisor(restart: :transient, max_restarts: 1)
    {:ok, _pid} = ConsumerSupervisor.start_child(supervisor, [:child])

    for count <- 1..2 do
      until(fn -> length(children(:supervisor)) == count end)
      send(elem(List.last(children(:supervisor)), 1), {:end, :crash})
    end

    :shutdown = ended(supervisor)
  end

  behaviour 197, "its end takes the children along", as: [:supervisor] do
    supervisor = supervisor()
    {:ok, pid} = ConsumerSupervisor.start_child(supervisor, [:child])
    watch(:runner, pid)
    :ok = GenStage.stop(supervisor)
    :normal = ended(supervisor)
    :shutdown = ended(pid)
  end

  behaviour 198, "terminate_child ends one that is there, and knows who is not", as: [:supervisor] do
    supervisor = supervisor()
    {:ok, pid} = ConsumerSupervisor.start_child(supervisor, [:child])
    :ok = ConsumerSupervisor.terminate_child(supervisor, pid)
    {:error, :not_found} = ConsumerSupervisor.terminate_child(supervisor, pid)
    0 = running(supervisor)
  end

  behaviour 199, "a permanent subscription to a dead producer ends it with noproc", as: [:supervisor] do
    supervisor = supervisor()
    producer = producer()
    Process.exit(producer, :kill)
    :killed = ended(producer)
    {:ok, _tag} = GenStage.sync_subscribe(supervisor, to: producer)
    :noproc = ended(supervisor)
  end

  behaviour 199, "so does one to a name that nobody has", as: [:supervisor] do
    supervisor = supervisor()
    {:ok, _tag} = GenStage.sync_subscribe(supervisor, to: :nobody_here)
    :noproc = ended(supervisor)
  end

  behaviour 199, "a temporary one leaves it alive, and options are checked as a consumer's", as: [:supervisor] do
    supervisor = supervisor()
    {:ok, _tag} = GenStage.sync_subscribe(supervisor, to: :nobody_here, cancel: :temporary)
    {:error, {:bad_opts, text}} = GenStage.sync_subscribe(supervisor, to: producer(), max_demand: 0)
    "expected :max_demand to be equal to or greater than 1, got: 0" = text
    0 = running(supervisor)
  end

  behaviour 200, "events whose start fails leave no child, and those behind them are started",
    as: [:producer, :supervisor] do
    producer = producer()
    supervisor = supervisor()
    subscribe(supervisor, producer, max_demand: 10, min_demand: 5)
    [10] = demands(:producer)
    tell(producer, {:emit, [1, :ignore, {:fail, :no}, :garbage, 2]})
    until(fn -> Enum.map(children(:supervisor), &elem(&1, 0)) == [1, 2] end)
    2 = running(supervisor)
  end

  behaviour 201, "starts that throw, raise or exit leave no child, and it lives", as: [:producer, :supervisor] do
    producer = producer()
    supervisor = supervisor()
    subscribe(supervisor, producer, max_demand: 10, min_demand: 3)
    [10] = demands(:producer)
    tell(producer, {:emit, [:throw, :raise, :exit]})
    await(:producer, &({:handle_demand, 3} in &1))
    0 = running(supervisor)
  end

  behaviour 202, "a producer of three makes three children", as: [:producer, :supervisor] do
    supervisor = supervisor(subscribe_to: [{producer(count: 3), []}])
    until(fn -> Enum.map(children(:supervisor), &elem(&1, 0)) == [0, 1, 2] end)
    3 = running(supervisor)
  end

  behaviour 203, "with 1 and 0 one child runs at a time; those that do not start are skipped",
    as: [:producer, :supervisor] do
    producer = producer()
    tell(producer, {:emit, [1, :ignore, 2, {:fail, :no}, 3, 4]})
    supervisor = supervisor()
    subscribe(supervisor, producer, max_demand: 1, min_demand: 0)

    for count <- 1..4 do
      until(fn -> length(children(:supervisor)) == count end)
      1 = running(supervisor)
      {^count, pid} = List.last(children(:supervisor))

      if rem(count, 2) == 0,
        do: send(pid, {:end, :normal}),
        else: ConsumerSupervisor.terminate_child(supervisor, pid)
    end

    until(fn -> running(supervisor) == 0 end)
  end

  behaviour 205, "children outlive their producer when the subscription is temporary",
    as: [:producer, :supervisor] do
    producer = producer(count: 2)
    supervisor = supervisor()
    subscribe(supervisor, producer, cancel: :temporary)
    until(fn -> length(children(:supervisor)) == 2 end)
    Process.exit(producer, :kill)
    :killed = ended(producer)
    2 = running(supervisor)
    [{0, first} | _] = children(:supervisor)
    :ok = ConsumerSupervisor.terminate_child(supervisor, first)
    1 = running(supervisor)
  end

  behaviour 206, "with 3 and 2, when two of three children have ended two more are asked for",
    as: [:producer, :supervisor] do
    producer = producer(count: 100)
    supervisor = supervisor()
    subscribe(supervisor, producer, max_demand: 3, min_demand: 2)
    until(fn -> length(children(:supervisor)) == 3 end)
    end_oldest(supervisor, 0)
    [3] = demands(:producer)
    end_oldest(supervisor, 1)
    until(fn -> length(children(:supervisor)) == 5 end)
    [3, 2] = demands(:producer)
  end

  behaviour 207, "with 3 and 0, as long as nobody ends nothing more is asked for",
    as: [:producer, :supervisor] do
    producer = producer(count: 2)
    supervisor = supervisor()
    subscribe(supervisor, producer, max_demand: 3, min_demand: 0)
    until(fn -> length(children(:supervisor)) == 2 end)
    2 = running(supervisor)
    [3] = demands(:producer)
  end

  behaviour 208, "with 4 and 2, asks of 2 follow every second end", as: [:producer, :supervisor] do
    producer = producer(count: 100)
    supervisor = supervisor()
    subscribe(supervisor, producer, max_demand: 4, min_demand: 2)
    until(fn -> length(children(:supervisor)) == 4 end)

    for index <- 0..3 do
      end_oldest(supervisor, index)
      if rem(index, 2) == 1, do: until(fn -> running(supervisor) == 4 end)
    end

    [4, 2, 2] = demands(:producer)
  end

  behaviour 209, "a child that is started again makes no ask, and makes one when it ends in order",
    as: [:producer, :supervisor] do
    producer = producer(count: 100)
    supervisor = supervisor(restart: :transient)
    subscribe(supervisor, producer, max_demand: 1, min_demand: 0)
    until(fn -> length(children(:supervisor)) == 1 end)
    send(elem(hd(children(:supervisor)), 1), {:end, :crash})
    until(fn -> length(children(:supervisor)) == 2 end)
    [{0, _}, {0, again}] = children(:supervisor)
    1 = running(supervisor)
    [1] = demands(:producer)
    send(again, {:end, :normal})
    until(fn -> length(children(:supervisor)) == 3 end)
    [1, 1] = demands(:producer)
  end

  behaviour 210, "count_children gives a map", as: [:supervisor] do
    supervisor = supervisor()
    {:ok, _pid} = ConsumerSupervisor.start_child(supervisor, [:child])
    %{active: 1, specs: 1, supervisors: 0, workers: 1} = ConsumerSupervisor.count_children(supervisor)
    [{:undefined, pid, :worker, _modules}] = ConsumerSupervisor.which_children(supervisor)
    true = is_pid(pid)
  end

  behaviour 231, "subscribed by name and node, every ask goes to the name", as: [:supervisor] do
    producer = producer(count: 10)
    front = front(producer, :probe_front)
    supervisor = supervisor()
    subscribe(supervisor, {:probe_front, node()}, max_demand: 2, min_demand: 0)

    for count <- 2..6 do
      until(fn -> length(children(:supervisor)) == count end)
      end_oldest(supervisor, count - 2)
    end

    until(fn -> length(children(:supervisor)) == 7 end)
    [_subscribe | asks] = passed(front)
    true = length(asks) >= 5 and Enum.all?(asks, &match?({:ask, _}, &1))
  end

  behaviour 231, "a producer of that name serves it", as: [:producer] do
    producer(name: :probe_named, count: 6)
    supervisor = supervisor()
    subscribe(supervisor, named(:producer, :probe_named), max_demand: 2, min_demand: 0)

    for count <- 2..6 do
      until(fn -> length(children(:supervisor)) == count end)
      end_oldest(supervisor, count - 2)
    end
  end

  defp running(supervisor), do: ConsumerSupervisor.count_children(supervisor).active

  # A child that is started by hand and told to end, after which so many are left.
  defp ended_child(supervisor, reason, left) do
    {:ok, pid} = ConsumerSupervisor.start_child(supervisor, [reason])
    monitor = Process.monitor(pid)
    send(pid, {:end, reason})
    receive(do: ({:DOWN, ^monitor, :process, ^pid, _reason} -> :ok))
    until(fn -> running(supervisor) == left end)
  end

  defp end_oldest(supervisor, index) do
    {_event, pid} = Enum.at(children(:supervisor), index)
    send(pid, {:end, :normal})
    until(fn -> not Enum.any?(ConsumerSupervisor.which_children(supervisor), &(elem(&1, 1) == pid)) end)
  end
end
