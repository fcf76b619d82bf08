"""From triangles to the ground a body can stand on: spans, erosion, any-angle paths, steps along walls.

The pipeline is Recast's (rasterise, filter, erode), so that distances compare with Habitat's; paths and steps
then work on the grid itself and need no polygons.
"""
