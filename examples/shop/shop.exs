# The shop: Shop.Orders publishes orders, Shop.Prices knows their prices, and four times a second the shop asks the web
# side, a GenServer in TypeScript, for the totals. It closes when its standard input does.
#
#     elixir --name shop@127.0.0.1 -r elixir-fixtures/lib/shop/prices.ex \
#       -r elixir-fixtures/lib/stages/shop_orders.ex examples/shop/shop.exs web@127.0.0.1 2000

[web, rate] = System.argv()
totals = {:totals, String.to_atom(web)}

{:ok, _} = Shop.Prices.start_link()
{:ok, orders} = Shop.Orders.start_link(rate: String.to_integer(rate))

shop = self()

spawn_link(fn ->
  Enum.each(IO.stream(:stdio, :line), fn _line -> :ok end)
  send(shop, :close)
end)

IO.puts("open")

defmodule Shop.Clerk do
  def work(totals, orders, last) do
    receive do
      :close -> last
    after
      250 -> work(totals, orders, ask(totals, orders) || last)
    end
  end

  # The web side may not be there yet, or not any more.
  defp ask(totals, orders) do
    GenServer.cast(totals, {:open_demand, :sys.get_state(orders).state.demand})
    GenServer.call(totals, :totals, 1_000)
  catch
    :exit, _reason -> nil
  end
end

last = Shop.Clerk.work(totals, orders, nil)
IO.puts("what Elixir was told last: #{inspect(last)}")
System.halt(0)
