# Uses the cart of cart.ts from Elixir.
cart = {:cart, :"web@127.0.0.1"}
ref = Process.monitor(cart)

{:ok, 2} = GenServer.call(cart, {:add, "sku-1", 2})
{:ok, 5} = GenServer.call(cart, {:add, "sku-1", 3})
{:error, :out_of_stock} = GenServer.call(cart, {:add, "sku-1", 50})
%{"sku-1" => 5} = GenServer.call(cart, :items)

:ok = GenServer.cast(cart, :clear)
items = GenServer.call(cart, :items)
IO.puts("after clear: #{inspect(items)}")

:ok = GenServer.call(cart, :close)

receive do
  {:DOWN, ^ref, :process, _cart, reason} -> IO.puts("the cart is closed: #{inspect(reason)}")
after
  1_000 -> raise "no DOWN"
end
