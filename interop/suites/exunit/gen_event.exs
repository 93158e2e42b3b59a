# `:gen_event` on an event manager of ours, whose handlers `:recorder` and `:other` are written in TypeScript.
defmodule Ours.GenEventTest do
  use Ours.Case, async: true

  defp manager(handlers \\ [:recorder]) do
    manager = start(:manager)
    for handler <- handlers, do: :ok = :gen_event.add_handler(manager, handler, [])
    manager
  end

  test "handlers are added, listed with the last one first, called and deleted" do
    manager = manager([])
    assert :gen_event.which_handlers(manager) == []
    assert :gen_event.add_handler(manager, :recorder, []) == :ok
    assert :gen_event.add_handler(manager, {:recorder, 2}, []) == :ok
    assert :gen_event.which_handlers(manager) == [{:recorder, 2}, :recorder]
    assert :gen_event.call(manager, :recorder, :all) == []
    assert :gen_event.call(manager, {:recorder, 2}, :all, 1_000) == []
    assert :gen_event.delete_handler(manager, :recorder, :because) == {:ended, :because, 0}
    assert :gen_event.which_handlers(manager) == [{:recorder, 2}]
  end

  test "notify reaches every handler, sync_notify when it returns" do
    manager = manager([:recorder, :other])
    assert :gen_event.notify(manager, {:one, 1}) == :ok
    assert :gen_event.sync_notify(manager, :two) == :ok
    for handler <- [:recorder, :other], do: assert(:gen_event.call(manager, handler, :all) == [{:one, 1}, :two])
    send(manager, :hello)
    assert :gen_event.call(manager, :other, :all) == [{:one, 1}, :two, {:info, :hello}]
  end

  test "by name, and by the name on the node" do
    {name, node} = manager = start_named(:manager)
    assert :gen_event.add_handler(manager, :recorder, []) == :ok
    assert :gen_event.notify({name, node}, 1) == :ok
    assert :gen_event.call({name, node}, :recorder, :all) == [1]
  end

  test "what is not there: handlers, modules, managers" do
    manager = manager()
    assert :gen_event.call(manager, :nobody, :all) == {:error, :bad_module}
    assert :gen_event.delete_handler(manager, :nobody, 1) == {:error, :module_not_found}
    assert {:EXIT, {:undef, [{:no_such, :init, [1], []} | _]}} = :gen_event.add_handler(manager, :no_such, 1)
    assert :gen_event.add_handler(manager, {:recorder, 3}, {:refuse, {:error, :full}}) == {:error, :full}
    assert {:exit, {:noproc, _}} = outcome(fn -> :gen_event.call({:nobody_has_this, ours()}, :recorder, :all) end)
    assert {:exit, _} = outcome(fn -> :gen_event.sync_notify({:nobody_has_this, ours()}, 1) end)
  end

  test "a handler that removes itself or fails goes, and the others stay" do
    for event <- [:remove, :raise] do
      manager = manager([:other, :recorder])
      assert :gen_event.delete_handler(manager, :other, 1) == {:ended, 1, 0}
      :ok = :gen_event.sync_notify(manager, event)
      assert :gen_event.which_handlers(manager) == []
      assert :gen_event.sync_notify(manager, :nobody_hears) == :ok
    end

    manager = manager([:recorder, :other])
    assert :gen_event.call(manager, :recorder, :remove) == :bye
    assert {:error, {:EXIT, {%RuntimeError{message: "RangeError: no"}, _}}} = :gen_event.call(manager, :other, :raise)
    assert :gen_event.which_handlers(manager) == []
  end

  test "swap_handler, and a handler that swaps itself" do
    manager = manager()
    :ok = :gen_event.sync_notify(manager, 1)
    assert :gen_event.swap_handler(manager, {:recorder, :out}, {:other, :in}) == :ok
    assert :gen_event.call(manager, :other, :all) == [{:in, {:ended, :out, 1}}]
    :ok = :gen_event.sync_notify(manager, {:swap, :recorder, :argument})
    assert :gen_event.which_handlers(manager) == [:recorder]
    assert :gen_event.call(manager, :recorder, :all) == [{:argument, {:ended, :swapped, 1}}]
  end

  test "a supervised handler: who added it hears of its end, and it ends with who added it" do
    manager = manager([])
    assert :gen_event.add_sup_handler(manager, :recorder, []) == :ok
    :ok = :gen_event.sync_notify(manager, :remove)
    assert_receive {:gen_event_EXIT, :recorder, :normal}
    assert :gen_event.add_sup_handler(manager, :recorder, []) == :ok
    :ok = :gen_event.notify(manager, :raise)
    assert_receive {:gen_event_EXIT, :recorder, {:EXIT, {%RuntimeError{}, _}}}
    assert :gen_event.add_sup_handler(manager, :recorder, []) == :ok
    assert :gen_event.delete_handler(manager, :recorder, :done) == {:ended, :done, 0}
    assert_receive {:gen_event_EXIT, :recorder, :normal}
    test = self()
    owner = spawn(fn ->
      send(test, :gen_event.add_sup_handler(manager, :other, []))
      receive do :die -> exit(:boom) end
    end)
    assert_receive :ok
    assert :gen_event.which_handlers(manager) == [:other]
    send(owner, :die)
    assert eventually(fn -> :gen_event.which_handlers(manager) == [] end)
  end

  test "stop ends it in order, with its handlers" do
    manager = manager([])
    ref = Process.monitor(manager)
    assert :gen_event.add_sup_handler(manager, :recorder, []) == :ok
    assert :gen_event.stop(manager) == :ok
    assert_receive {:gen_event_EXIT, :recorder, :shutdown}
    assert_receive {:DOWN, ^ref, :process, ^manager, :normal}
    manager = manager()
    assert :gen_event.stop(manager, :shutdown, 1_000) == :ok
    assert down(manager) == :noproc
  end

  test "send_request with receive_response" do
    manager = manager()
    request = :gen_event.send_request(manager, :recorder, :all)
    assert :gen_event.receive_response(request, 1_000) == {:reply, []}
    request = :gen_event.send_request(manager, :nobody, :all)
    assert :gen_event.wait_response(request, 1_000) == {:error, :bad_module}
  end

  @tag :ours
  test "sys shows the handlers with their states" do
    manager = manager([:recorder, {:other, 1}])
    :ok = :gen_event.sync_notify(manager, :a)
    assert :sys.get_state(manager) == [{:other, 1, %{events: [:a]}}, {:recorder, false, %{events: [:a]}}]
    assert {:status, ^manager, {:module, :gen_event}, _} = :sys.get_status(manager)
  end

  test "after timeouts the mailbox is empty" do
    manager = manager()
    :sys.suspend(manager)
    assert {:exit, {:timeout, _}} = outcome(fn -> :gen_event.call(manager, :recorder, :all, 20) end)
    :sys.resume(manager)
    assert :gen_event.call(manager, :recorder, :all) == []
    assert mailbox() == []
  end
end
