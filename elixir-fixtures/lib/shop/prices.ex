defmodule Shop.Prices do
  @moduledoc """
  The shop's price list. `{:price, sku}` is answered with the price in cents, `:reload` with `:ok`.

  A price follows from the SKU and from how often the list was reloaded, so both sides of a test can know it.
  """
  use GenServer

  def start_link(opts \\ []),
    do: GenServer.start_link(__MODULE__, opts, name: Keyword.get(opts, :name, __MODULE__))

  @impl true
  def init(_opts), do: {:ok, _reloads = 0}

  @impl true
  def handle_call({:price, sku}, _from, reloads), do: {:reply, 100 + 10 * byte_size(sku) + reloads, reloads}
  def handle_call(:reload, _from, reloads), do: {:reply, :ok, reloads + 1}
end
