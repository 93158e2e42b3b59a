# Publishes 10,000 orders to whoever subscribes, and ends.
{:ok, orders} = Shop.Orders.start_link(last: 10_000)
ref = Process.monitor(orders)
IO.puts("Shop.Orders is open at #{node()}")

receive do
  {:DOWN, ^ref, :process, _orders, reason} -> IO.puts("sold out: #{inspect(reason)}")
end
