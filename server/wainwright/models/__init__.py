"""The only place that knows LiteLLM: gateway process, router, budget, cassette."""
