"""The bundled sample newsroom: demo and test double."""
