# The BEAM's side of remote-children.interop.ts: what supervisors of ours start here.
defmodule Kid do
  use GenServer

  # Servers are found by their names, and whoever is restarted has the name again.
  def start_link([name, trap]), do: GenServer.start_link(__MODULE__, trap, name: name)

  # Looks like the start of an unlinked server, and is not.
  def begin(name), do: GenServer.start_link(__MODULE__, false, name: name)

  def init(trap) do
    Process.flag(:trap_exit, trap)
    {:ok, trap}
  end

  # What a server that traps exits often does: nothing that has to do with who it was.
  def handle_info({:EXIT, _, _}, state), do: {:noreply, state}

  # Another process than that one has the name.
  def again(name, before) do
    case Process.whereis(name) do
      nil -> again(name, before)
      ^before -> again(name, before)
      pid -> pid
    end
  end

  def refuse(reason), do: {:error, reason}
  def skip, do: :ignore
end

# Its start takes until it is told to go on.
defmodule Slow do
  use GenServer

  def init(_) do
    Process.flag(:trap_exit, true)
    receive do: (:go -> {:ok, nil})
  end

  def handle_info({:EXIT, _, _}, state), do: {:noreply, state}
end

nil
