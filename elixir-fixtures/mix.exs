defmodule TiebeamFixtures.MixProject do
  use Mix.Project

  def project do
    [
      app: :tiebeam_fixtures,
      version: "0.1.0",
      elixir: "~> 1.10",
      # What lies on ERL_LIBS stays reachable although it is no dependency of this project.
      prune_code_paths: false,
      deps: gen_stage()
    ]
  end

  def application do
    [extra_applications: [:logger, :crypto, :gen_stage]]
  end

  # GenStage and Flow come from Hex only where ERL_LIBS does not provide them already. GEN_STAGE asks for one version.
  defp gen_stage do
    cond do
      Code.ensure_loaded?(GenStage) -> []
      Version.match?(System.version(), "< 1.11.0") -> [{:gen_stage, "1.1.2"}, {:flow, "~> 1.1.0"}]
      version = System.get_env("GEN_STAGE") -> [{:gen_stage, version}, {:flow, "~> 1.2"}]
      true -> [{:gen_stage, "~> 1.2"}, {:flow, "~> 1.2"}]
    end
  end
end
